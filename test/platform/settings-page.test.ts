import { expect, test } from 'vitest';
import { SETTINGS } from '#libs/platform/config/settings.ts';

const HEAD = `# Settings

All the configuration there is: environment variables, read once at the start; empty counts as unset. A value that is not what is
expected ends the program with exit code 2 and names every setting that is wrong. A secret may stand in a file instead: the setting with
\`_FILE\` behind its name then names the file (of a list each line is an item, and lines that begin with # are none). Files with passwords of databases and of Kafka, and with their certificates and keys, are read again by each new connection: replacing them is enough. What is set for psql and its like (\`PGSSLMODE\`,
\`PGOPTIONS\` and all others that begin with \`PG\`) counts for nothing here. This page is printed from
\`libs/platform/config/settings.ts\` by \`npm test -- test/platform/settings-page -u\`.

| setting | default | meaning | expects |
|---|---|---|---|
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

const page =
  HEAD +
  Object.entries(SETTINGS)
    .map(([name, { fallback, description, expects, secret }]) => {
      const byDefault = fallback === undefined || fallback === '' ? '' : `\`${fallback}\``;
      return `| \`${name}\` | ${cell(byDefault)} | ${cell(description)}${secret ? ' (secret)' : ''} | ${cell(expects)} |\n`;
    })
    .join('');

test('services/settings.md is printed from the table of settings; npx vitest run test/platform/settings-page -u', async () => {
  await expect(page).toMatchFileSnapshot('../../services/settings.md');
});

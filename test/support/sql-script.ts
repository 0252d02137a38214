/** The statements of a file as psql would send them, one by one: comments are none, and what stands between $$ is one piece. */
export const statementsOf = (script: string): string[] =>
  script
    .replaceAll(/^\s*--.*$/gm, '')
    .split('$$')
    // Every second part stands between them.
    .map((part, index) => (index % 2 === 1 ? part.replaceAll(';', '\0') : part))
    .join('$$')
    .split(';')
    .map((statement) => statement.replaceAll('\0', ';').trim())
    .filter((statement) => statement !== '');

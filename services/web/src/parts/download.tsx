import { useState } from 'preact/hooks';
import { linkedPages } from '../api/ask.ts';
import { t } from '../i18n/index.ts';
import { Problem } from './problem.tsx';

interface DownloadProps {
  /** A list of the API, with the parameters of the page. */
  readonly path: string;
  /** What is listed, in words. */
  readonly label: string;
}

/** Downloads the whole list as a table. It is fetched by script, since a link cannot send a token. */
export function Download({ path, label }: DownloadProps) {
  const [error, setError] = useState<Error | undefined>();
  const save = (): void => {
    setError(undefined);
    tableOf(path).then(({ name, text }) => offer(name, text), setError);
  };
  return (
    <div class="download">
      <button type="button" class="act" aria-label={t('download.label', { what: label })} onClick={save}>
        {t('download')}
      </button>
      <Problem error={error} />
    </div>
  );
}

/** All pages, with the header line only once. */
async function tableOf(path: string): Promise<{ name: string; text: string }> {
  let [name, text] = ['rows.csv', ''];
  for await (const page of linkedPages(path, { headers: { accept: 'text/csv' } })) {
    const body = await page.text();
    name = /filename="([^"]+)"/.exec(page.headers.get('content-disposition') ?? '')?.[1] ?? name;
    text += text === '' ? body : body.slice(body.indexOf('\r\n') + 2);
  }
  return { name, text };
}

/** How long the file is kept for the browser. Milliseconds. */
const KEPT_MS = 60_000;

function offer(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  // The browser begins to read it after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

import { useEffect, useRef, useState } from 'preact/hooks';
import styleUrl from 'swagger-ui-dist/swagger-ui.css?url';
import scriptUrl from 'swagger-ui-dist/swagger-ui-bundle.js?url';
import { get, tokenOf, Unreachable } from '../api/ask.ts';
import { t } from '../i18n/index.ts';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';

const nothing = () => () => null;
/** Hidden: its head repeats ours, and the token comes from the page. */
const WITHOUT_HEAD = {
  wrapComponents: {
    InfoContainer: nothing,
    ServersContainer: nothing,
    authorizeBtn: nothing,
    authorizeOperationBtn: nothing,
  },
};

interface Asked {
  headers: Record<string, string>;
}

/** The API for programmers, from its own description; requests are sent with the page's token. */
export function DocsPage() {
  const ref = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<Error | undefined>();
  useEffect(() => {
    const show = ([spec]: readonly [object, ...unknown[]]): void => {
      SwaggerUIBundle({
        spec,
        domNode: ref.current,
        deepLinking: false,
        plugins: [WITHOUT_HEAD],
        defaultModelsExpandDepth: 0,
        requestInterceptor: withToken,
      });
    };
    const [style, script] = [document.createElement('link'), document.createElement('script')];
    Object.assign(style, { rel: 'stylesheet', href: styleUrl });
    script.src = scriptUrl;
    Promise.all([get<object>('/openapi.json'), added(style), added(script)]).then(show, setError);
  }, []);
  return (
    <>
      <section aria-labelledby="docs">
        <Page title={t('docs.title')} id="docs">
          <p>
            <a href="/openapi.json">openapi.json</a> · {t('docs.note')}
          </p>
          <Problem error={error} />
          <h2>{t('docs.routes')}</h2>
        </Page>
      </section>
      <div ref={ref} class="swagger" lang="en" dir="ltr" />
    </>
  );
}

function withToken(request: Asked): Asked {
  const token = tokenOf();
  if (token !== null) request.headers['authorization'] = `Bearer ${token}`;
  return request;
}

/** Adds an element that loads a file of the library; the file is served from here, unchanged. */
const added = (element: HTMLElement): Promise<unknown> =>
  new Promise((resolve, reject) => {
    element.onload = resolve;
    element.onerror = () => reject(new Unreachable());
    document.head.append(element);
  });

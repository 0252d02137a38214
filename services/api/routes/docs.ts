import { z } from 'zod';
import { noParameters } from '#libs/serve/parameters.ts';
import { DOCS_POLICY, docsPage } from '../docs-page.ts';
import { defineRoute, type Route } from '../route.ts';
import { SCOPES } from '../tokens.ts';

/**
 * Shows the API to people.
 * @param describe what `/openapi.json` answers, this route included; asked once, at the first request
 */
export function docsRoute(describe: () => Record<string, unknown>): Route {
  let page: string | undefined;
  return defineRoute({
    path: '/docs',
    operationId: 'getDocs',
    tag: 'operation',
    scopes: SCOPES,
    summary: 'This description as a page for people',
    mediaType: 'text/html',
    params: noParameters,
    query: noParameters,
    answer: z.string(),
    handle: () => {
      page ??= docsPage(describe());
      return {
        body: page,
        contentType: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': DOCS_POLICY },
      };
    },
  });
}

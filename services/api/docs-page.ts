/** What of the description of an API the page shows. */
interface Described {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly responses?: Readonly<Record<string, Response>> };
}

interface Response {
  readonly description?: string;
  readonly $ref?: string;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly responses?: Readonly<Record<string, Response>>;
}

interface Parameter {
  readonly name?: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: { readonly enum?: readonly unknown[]; readonly type?: unknown; readonly default?: unknown };
}

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2rem 0 0; font-size: 1rem; } td { padding: 0 1rem 0 0; vertical-align: top; }`;

/** Nothing is fetched for it, from here or elsewhere, and nothing in it runs. */
export const DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** An API as a page for people: its routes, what they take and what they answer. */
export function docsPage(api: Record<string, unknown>): string {
  const { info, paths, components = {} } = api as unknown as Described;
  const described = ({ $ref, description = '' }: Response): string =>
    $ref === undefined ? description : (components.responses?.[$ref.split('/').at(-1) ?? '']?.description ?? '');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      section(`${method.toUpperCase()} ${path}`, operation, described),
    ),
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${asText(info.title)}</title><style>${STYLE}</style></head>
<body>
<h1>${asText(info.title)}</h1>
<p>${asText(info.description ?? '')} <a href="openapi.json">openapi.json</a> says what follows to programs, with the shape of every answer.</p>
${operations.join('\n')}
</body>
</html>
`;
}

function section(
  call: string,
  { summary = '', parameters = [], responses = {} }: Operation,
  described: (response: Response) => string,
): string {
  const answers = Object.entries(responses).map(([status, response]) => row([status, described(response)]));
  return `<h2><code>${asText(call)}</code></h2>
<p>${asText(summary)}</p>
${table(parameters.map((parameter) => row([parameter.name ?? '', typeOf(parameter), parameter.description ?? ''])))}
${table(answers)}`;
}

function typeOf({ required = false, schema = {} }: Parameter): string {
  const type = schema.enum?.join(' or ') ?? String(schema.type ?? '');
  if (required) return type;
  return schema.default === undefined ? `${type}, optional` : `${type}, ${String(schema.default)} unless given`;
}

const row = (cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<td>${asText(cell)}</td>`).join('')}</tr>`;
const table = (rows: readonly string[]): string => (rows.length === 0 ? '' : `<table>${rows.join('')}</table>`);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const asText = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);

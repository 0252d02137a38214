/** A value inside a JSON document. */
export interface JsonMember {
  readonly type: 'string' | 'number' | 'other';
  /** As Postgres' `->>` gives it: a string without its quotes and escapes, anything else as it is written. */
  readonly text: string;
}

/**
 * The members of these names of a JSON object, the last of each name, as for Postgres' `->`; a null is no member. Reads
 * without recursion and parses nothing that is not asked for: a document may be nested as deep and be as large as it likes.
 * @returns nothing for what is no object, and for what is no JSON
 */
export function membersOf<N extends string>(json: string, names: readonly N[]): Partial<Record<N, JsonMember>> {
  const members: Partial<Record<N, JsonMember>> = {};
  let at = afterSpace(json, 0);
  if (json[at] !== '{') return {};
  at = afterSpace(json, at + 1);
  while (json[at] === '"') {
    const endOfName = endOfString(json, at);
    const colon = afterSpace(json, endOfName);
    const start = afterSpace(json, colon + 1);
    const end = endOfValue(json, start);
    const name = nameAt(json, at, endOfName, names);
    const comma = afterSpace(json, end);
    if (json[colon] !== ':' || (json[comma] !== ',' && json[comma] !== '}')) return {};
    if (name !== undefined) {
      const member = toMember(json.slice(start, end));
      if (member === null) delete members[name];
      else members[name] = member;
    }
    if (json[comma] === '}') return members;
    at = afterSpace(json, comma + 1);
  }
  return {};
}

function toMember(json: string): JsonMember | null {
  if (json === 'null') return null;
  if (json.startsWith('"')) return { type: 'string', text: unquote(json) ?? json };
  return { type: /^[-\d]/.test(json) ? 'number' : 'other', text: json };
}

function nameAt<N extends string>(json: string, start: number, end: number, names: readonly N[]): N | undefined {
  const name = unquote(json.slice(start, end));
  return names.find((wanted) => wanted === name);
}

/** A JSON string's text; undefined for what is none. */
function unquote(json: string): string | undefined {
  if (!json.includes('\\')) return json.slice(1, -1);
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

function afterSpace(json: string, start: number): number {
  let at = start;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\t' || json[at] === '\r') at += 1;
  return at;
}

/** Behind the quote that closes the string which begins at `start`: one with an even number of backslashes before it. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}

const SCALAR = /[^\s,}\]]*/y;

/** Behind the value that begins at `start`. How deep it is nested is counted, and costs nothing. */
function endOfValue(json: string, start: number): number {
  if (json[start] === '"') return endOfString(json, start);
  if (json[start] !== '{' && json[start] !== '[') {
    SCALAR.lastIndex = start;
    SCALAR.test(json);
    return SCALAR.lastIndex;
  }
  let depth = 0;
  let at = start;
  do {
    const char = json[at];
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    at = char === '"' ? endOfString(json, at) : at + 1;
  } while (depth > 0 && at < json.length);
  return at;
}

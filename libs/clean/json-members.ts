/** A value inside a JSON document. */
export interface JsonMember {
  readonly type: 'string' | 'number' | 'other';
  /** As Postgres's `->>` returns it: a string without its quotes and escapes, anything else as it is written. */
  readonly text: string;
}

/**
 * The members of a JSON object with these names, the last of each name, as with Postgres's `->`; a null does not count. Works
 * without recursion and parses only what is asked for, so a document may be arbitrarily deep and large.
 * @returns an empty object for anything that is not an object, or not JSON
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

/** A JSON string's text; undefined if it is not valid. */
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

/** The place after the closing quote of the string that begins at `start`: the first with an even number of backslashes before it. */
function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}

const SCALAR = /[^\s,}\]]*/y;

/** The place after the value that begins at `start`. Nesting is only counted, so its depth costs nothing. */
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

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

export interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly build?: { readonly context: string; readonly target: string };
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly networks?: readonly string[];
  readonly read_only?: boolean;
  readonly tmpfs?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

export const readCompose = (): Compose => parse(read('docker-compose.yml'), { merge: true }) as Compose;

/** A service's environment without a `.env` file. */
export const environmentOf = ({ environment }: Service): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')]),
  );

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly { readonly word: string; readonly rest: string }[];
}

/** The stages of a Dockerfile, one instruction per line. */
export function stagesOf(dockerfile: string): Stage[] {
  const stages: { base: string; name: string | undefined; instructions: { word: string; rest: string }[] }[] = [];
  for (const line of dockerfile.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (word === '') throw new Error(`no instruction: ${line}`);
    if (word === 'FROM') {
      const [, base = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      stages.push({ base, name, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${word} stands before FROM`);
      stage.instructions.push({ word, rest });
    }
  }
  return stages;
}

import { readFileSync } from 'node:fs';

/** The versions in pom.xml, the only place where those of the parts are written down. */
export interface PartVersions {
  readonly kafka: string;
  readonly log4j: string;
  readonly debezium: string;
  readonly apicurio: string;
}

export const POM_FILE = new URL('./pom.xml', import.meta.url);

export function readVersions(pom: string = readFileSync(POM_FILE, 'utf8')): PartVersions {
  const versionOf = (part: string): string => {
    const version = new RegExp(`<${part}\\.version>([^<]+)</${part}\\.version>`).exec(pom)?.[1];
    if (version === undefined) throw new Error(`pom.xml names no ${part}.version`);
    return version;
  };
  return {
    kafka: versionOf('kafka'),
    log4j: versionOf('log4j'),
    debezium: versionOf('debezium'),
    apicurio: versionOf('apicurio'),
  };
}

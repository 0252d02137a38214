import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { type Answer, ask, NoAnswer, shown } from '#libs/platform/http.ts';
import { changeTopicOf } from '#libs/source/kafka/options.ts';
import { apicurioUrl } from './cluster-config.ts';
import type { RegisterSettings } from './settings.ts';

/** What the converters of Apicurio and of Confluent say when the registry refuses a schema as incompatible with earlier ones. */
const REFUSED = /^RuleViolationException|error code: 409\b/;

export const isSchemaRefused = (reason: string): boolean => REFUSED.test(reason);

const TIMEOUT_MS = 5_000;
const RULE = JSON.stringify({ type: 'COMPATIBILITY', config: 'NONE' });

/**
 * Has the registry take every schema of the change topics, whatever it asks of others. A column that becomes NOT NULL or
 * gets another type makes a schema that is incompatible with the one before; our roles read each record by the schema that
 * it was written with, so nothing depends on that.
 * @returns what was done, or is to be done by an administrator, as a sentence
 */
export async function takeEverySchema(settings: RegisterSettings): Promise<string> {
  const { names, name: topicPrefix, cluster } = settings;
  const topics = SOURCE_TABLES.map((table) => changeTopicOf({ topicPrefix, names }, table));
  const registry = `the schema registry ${shown(cluster.registry.url)}`;
  try {
    for (const subject of topics.flatMap((topic) => [`${topic}-key`, `${topic}-value`])) {
      const { status, problem } = await free(settings, subject);
      // Apicurio knows no subject before its first schema, which nothing can be incompatible with.
      if (status >= 300 && status !== 404) throw new NoAnswer(problem ?? `answers HTTP ${status}`);
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return `${registry} ${error.message} when it is to take every schema of the change topics; have an administrator set the compatibility of the subjects ${topicPrefix}.${names.schema}.…-key and …-value to NONE`;
  }
  return `${registry} takes every schema of the change topics from now on (compatibility NONE)`;
}

async function free({ cluster }: RegisterSettings, subject: string): Promise<Answer> {
  const { registry } = cluster;
  const send = (method: string, url: string, body: string): Promise<Answer> =>
    ask({ ...registry, url, method, body, contentType: 'application/json', timeoutMs: TIMEOUT_MS });
  const api = apicurioUrl(registry.url);
  if (api === undefined) {
    const address = new URL(registry.url);
    address.pathname = `${address.pathname.replace(/\/+$/, '')}/config/${encodeURIComponent(subject)}`;
    return send('PUT', address.href, JSON.stringify({ compatibility: 'NONE' }));
  }
  // At its Confluent-compatible API, NONE takes a subject's own rule away, so that the one for all subjects holds.
  const rules = `${api}/groups/default/artifacts/${encodeURIComponent(subject)}/rules`;
  const answer = await send('POST', rules, RULE);
  return answer.status === 409 ? send('PUT', `${rules}/COMPATIBILITY`, RULE) : answer;
}

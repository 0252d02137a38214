import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { UnknownCodec } from './codecs.ts';
import { BrokerFault } from './contract.ts';
import { securityFault } from './security.ts';

/** What was asked of which cluster, for messages to people. */
export interface Asked {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** What was under way, for the parentheses in a message. */
  readonly doing?: string;
  readonly group?: string;
  readonly topics?: readonly string[];
  /** What the topics were to be used for; Read by default. */
  readonly operation?: 'Read' | 'Write';
}

const clusterName = ({ brokers }: Asked): string => `the Kafka cluster ${brokers.join(',')}`;

/** An error and its chain of causes; the library wraps errors of what it has tried several times. */
function* causesOf(error: unknown): Generator<Error> {
  for (let one = error; one instanceof Error; one = one.cause) yield one;
}

/** The library's error for any refusal when it asks which broker coordinates the group. */
const NO_COORDINATOR = 'KafkaJSGroupCoordinatorNotFound';

/** The code with which a broker refuses; undefined if none answered. */
const refusalOf = (error: unknown): string | undefined => {
  for (const one of causesOf(error)) {
    const { type } = one as { type?: unknown };
    if (typeof type === 'string') return type;
    if (one.name === NO_COORDINATOR) return NO_COORDINATOR;
  }
  return undefined;
};

/**
 * Turns any error of the library into what it means: the cluster does not do what it is asked at the moment.
 * @throws ConfigurationError when it will not do it later either: certificates or the login are wrong
 */
export function toBrokerFault(error: unknown, asked: Asked): BrokerFault {
  if (error instanceof BrokerFault) return error;
  const wrong = securityFault(causesOf(error), clusterName(asked));
  if (wrong !== undefined) throw wrong;
  const { doing } = asked;
  const cluster = clusterName(asked);
  const at = doing === undefined ? '' : ` (${doing})`;
  const refusal = refusalOf(error);
  const said = messageOf(error);
  const sentence =
    refusal === undefined ? `${cluster} does not answer${at}: ${said}` : refused(refusal, said, at, cluster, asked);
  return new BrokerFault(sentence, { cause: error, refusal });
}

/** Kafka's default for a topic: far larger than any message of ours. */
const MESSAGE_BYTES = 1_048_588;

const named = (topics: readonly string[]): string => {
  if (topics.length === 0) return 'a topic';
  return `${topics.length === 1 ? 'the topic' : 'the topics'} ${topics.join(', ')}`;
};

function refused(refusal: string, said: string, at: string, cluster: string, asked: Asked): string {
  const { brokers, group = '', topics = [], operation = 'Read' } = asked;
  const server = `--bootstrap-server ${brokers.join(',')}`;
  const acls = `kafka-acls.sh ${server} --add --allow-principal User:<ours>`;
  const topic = topics.length === 1 ? topics.join() : '<each>';
  switch (refusal) {
    case 'GROUP_AUTHORIZATION_FAILED':
      return `${cluster} does not let us into the consumer group ${group}: the right to read it is missing; have an administrator run: ${acls} --operation Read --group ${group}`;
    case NO_COORDINATOR:
      return `${cluster} does not let us into the consumer group ${group}: either no broker has come up yet that keeps the group, or the right to read it is missing; have an administrator run, in that case: ${acls} --operation Read --group ${group}`;
    case 'TOPIC_AUTHORIZATION_FAILED':
      return `${cluster} does not let us at ${named(topics)}${at}: a right is missing; have an administrator run: ${acls} --operation ${operation} --operation Describe --topic ${topic}`;
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return `${cluster} does not have ${topics.length > 1 ? 'one of ' : ''}${named(topics)}${at}: it was deleted, or is only just being made; who reads or writes it makes it anew by itself`;
    case 'MESSAGE_TOO_LARGE':
      return `${cluster} does not take a message${at}: it is larger than the topic allows; have an administrator run: kafka-configs.sh ${server} --alter --entity-type topics --entity-name ${topic} --add-config max.message.bytes=${MESSAGE_BYTES}`;
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return `the consumer group ${group} is in use by another program, whose members share partitions out in another way: end that one, or set another KAFKA_GROUP_PREFIX`;
    default:
      return `${cluster} says no${at}: ${said} (${refusal})`;
  }
}

/** The error with its remedy, if waiting does not fix it; undefined for all others. */
export function hopeless(error: unknown, asked: Asked): ConfigurationError | undefined {
  const { topics = [], brokers } = asked;
  const wrong = securityFault(causesOf(error), clusterName(asked));
  if (wrong !== undefined) return wrong;
  for (const one of causesOf(error)) {
    if (!(one instanceof UnknownCodec)) continue;
    return new ConfigurationError(
      `the Kafka topic ${topics.join(' or ')} holds records that cannot be read: ${one.message}`,
      `have them written with a compression.type of none, gzip, snappy, lz4 or zstd (of the topic: kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics --entity-name <topic> --add-config compression.type=gzip); take away those that are there already (kafka-delete-records.sh); start again; then npm run register, which has everything read anew`,
      { cause: error },
    );
  }
  return undefined;
}

import kafkajs from 'kafkajs';
import { type ClientOptions, closeQuietly, openClient } from './client.ts';

type Operation = 'CREATE' | 'READ' | 'WRITE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'ALTER_CONFIGS';

/** What a user may do with a topic or a consumer group; a name that ends in * is a prefix. */
export type KafkaRight = readonly [kind: 'TOPIC' | 'GROUP', name: string, ...operations: readonly Operation[]];

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/**
 * Grants users their rights; earlier grants stay.
 * @param options of a user who may grant
 */
export async function grantRights(
  options: ClientOptions,
  rights: Readonly<Record<string, readonly KafkaRight[]>>,
): Promise<void> {
  const admin = openClient(options).admin();
  await admin.connect();
  try {
    const acl = Object.entries(rights).flatMap(([user, all]) => all.flatMap((right) => entriesOf(user, right)));
    await admin.createAcls({ acl });
  } finally {
    await closeQuietly(() => admin.disconnect());
  }
}

const entriesOf = (user: string, [kind, name, ...operations]: KafkaRight): kafkajs.AclEntry[] =>
  operations.map((operation) => ({
    principal: `User:${user}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    operation: AclOperationTypes[operation],
    resourceType: AclResourceTypes[kind],
    resourceName: name.replace(/\*$/, ''),
    resourcePatternType: name.endsWith('*') ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  }));

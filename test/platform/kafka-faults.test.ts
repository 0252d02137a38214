import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { toBrokerFault } from '#libs/platform/kafka/faults.ts';

const ASKED = { brokers: ['b1:9092', 'b2:9092'], doing: 'sending to the topic prepadata.anomaly' };
const sending = { ...ASKED, topics: ['prepadata.anomaly'], operation: 'Write' } as const;
const reading = { brokers: ASKED.brokers, topics: ['lms.public.grades', 'lms.public.courses'] };

const refusal = (type: string) => new kafkajs.KafkaJSProtocolError(Object.assign(new Error('No.'), { type, code: 1 }));

test.each([
  [
    'a right to send',
    'TOPIC_AUTHORIZATION_FAILED',
    sending,
    '--operation Write --operation Describe --topic prepadata.anomaly',
  ],
  ['a right to read', 'TOPIC_AUTHORIZATION_FAILED', reading, '--operation Read --operation Describe --topic <each>'],
  ['the topic', 'UNKNOWN_TOPIC_OR_PARTITION', sending, 'does not have the topic prepadata.anomaly (sending'],
  [
    'one of the topics',
    'UNKNOWN_TOPIC_OR_PARTITION',
    reading,
    'one of the topics lms.public.grades, lms.public.courses:',
  ],
  [
    'room for a message',
    'MESSAGE_TOO_LARGE',
    sending,
    'kafka-configs.sh --bootstrap-server b1:9092,b2:9092 --alter --entity-type topics --entity-name prepadata.anomaly --add-config max.message.bytes=',
  ],
])('a cluster without %s is told as what to do', (_, type, asked, told) => {
  const fault = toBrokerFault(refusal(type), asked);
  expect(fault.message).toContain('the Kafka cluster b1:9092,b2:9092 does not');
  expect(fault.message).toContain(told);
  expect(fault.refusal).toBe(type);
});

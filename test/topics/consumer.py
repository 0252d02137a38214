"""Reads a feature topic to its end as a consumer that is not ours: a Kafka client, the registry's REST API, an Avro reader.

    python3 consumer.py <topic>

Where the cluster and the registry are, and how one logs in there, is said by the settings that our own programs have.
Prints what the topic says at its end, one JSON object per student and course. It follows the two rules of these topics:
a message with a smaller row_version than was seen for its key is old, and one without a value says that the row is gone.
"""

import datetime
import io
import json
import os
import ssl
import struct
import sys
import urllib.request
import uuid
from base64 import b64encode

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Registry:
    """Schemas by the id in a message, each asked for once."""

    def __init__(self, env):
        self.url = env["SCHEMA_REGISTRY_URL"].rstrip("/")
        login = env.get("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO")
        self.headers = {"authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
        self.trusted = ssl.create_default_context(cafile=env.get("SCHEMA_REGISTRY_SSL_CA_LOCATION"))
        self.schemas = {}

    def read(self, message):
        magic, schema_id = struct.unpack(">bI", message[:5])
        if magic != 0:
            raise ValueError("not a message with a schema id")
        if schema_id not in self.schemas:
            request = urllib.request.Request(f"{self.url}/schemas/ids/{schema_id}", headers=self.headers)
            with urllib.request.urlopen(request, context=self.trusted) as answer:
                self.schemas[schema_id] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return fastavro.schemaless_reader(io.BytesIO(message[5:]), self.schemas[schema_id], None)


# Of the client, and of our programs.
SECURITY = {
    "security.protocol": "KAFKA_SECURITY_PROTOCOL",
    "sasl.mechanism": "KAFKA_SASL_MECHANISM",
    "sasl.username": "KAFKA_SASL_USERNAME",
    "sasl.password": "KAFKA_SASL_PASSWORD",
    "ssl.ca.location": "KAFKA_SSL_CA_LOCATION",
}


def messages(env, topic):
    """Every message there is now, partition by partition in order."""
    security = {name: env[setting] for name, setting in SECURITY.items() if setting in env}
    brokers, group = env["KAFKA_BROKERS"], str(uuid.uuid4())
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, **security})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    for number in partitions:
        place = TopicPartition(topic, number, OFFSET_BEGINNING)
        begin, end = consumer.get_watermark_offsets(place, timeout=30)
        if begin == end:
            continue  # Nothing is there: to poll would be to wait for what nobody sends.
        consumer.assign([place])
        while consumer.position([place])[0].offset < end:
            message = consumer.poll(30)
            if message is None:
                if end == consumer.get_watermark_offsets(place)[0]:
                    break
                raise TimeoutError(f"partition {number} gives nothing before its end at {end}")
            if message.error():
                raise RuntimeError(message.error())
            yield message
            if message.offset() + 1 >= end:
                break
    consumer.close()


def plain(value):
    """Dates as days, instants as milliseconds since 1970."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    return str(value)


def main(topic, env=os.environ):
    registry = Registry(env)
    versions, rows = {}, {}
    for message in messages(env, topic):
        key = tuple(registry.read(message.key()).values())
        version = int(dict(message.headers())["row_version"])
        if version < versions.get(key, -1):
            continue
        versions[key] = version
        if message.value() is None:
            rows.pop(key, None)
        else:
            rows[key] = registry.read(message.value())
    for row in rows.values():
        print(json.dumps(row, default=plain))


if __name__ == "__main__":
    main(*sys.argv[1:])

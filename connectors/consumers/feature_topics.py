"""Keeps the feature topics of PrepaData in a SQLite file: a whole consumer, to begin your own with.

    python feature_topics.py features.db           follows the topics until Ctrl-C
    python feature_topics.py features.db --once    stops where they end now

KAFKA_BROKERS and SCHEMA_REGISTRY_URL say where; KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_*, KAFKA_SSL_* and
SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO, _SSL_CA_LOCATION are as PrepaData's own processes have them.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPICS = ["prepadata.engagement", "prepadata.performance", "prepadata.anomaly"]
BATCH = 500
# Tombstones are kept for a week. A consumer away for longer may have missed deletions, so it begins again; a day is spare.
DAYS_AWAY = 6

SCHEMA = """
-- The newest that was seen of each key. Without a row it is gone, and stays, so that an older message is known as one.
CREATE TABLE IF NOT EXISTS feature_row (
  topic TEXT, student_id INTEGER, course_id INTEGER, row_version INTEGER NOT NULL, row TEXT,
  PRIMARY KEY (topic, student_id, course_id)
);
-- Where to go on, written together with what was read: a crash neither loses nor skips a message.
CREATE TABLE IF NOT EXISTS place (
  topic TEXT, partition INTEGER, next INTEGER NOT NULL, read_at TEXT NOT NULL,
  PRIMARY KEY (topic, partition)
);
-- Which topic the places are in: one that was deleted and made anew has the same name and another id.
CREATE TABLE IF NOT EXISTS known_topic (topic TEXT PRIMARY KEY, id TEXT NOT NULL);
"""

# Delivery is at least once: the version decides, not the order of arrival. A repeated message changes nothing.
UPSERT = """
INSERT INTO feature_row VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET row_version = excluded.row_version, row = excluded.row
WHERE excluded.row_version >= feature_row.row_version
"""
GO_ON = "INSERT OR REPLACE INTO place VALUES (?, ?, ?, datetime('now'))"
STILL_HERE = "UPDATE place SET read_at = datetime('now')"
IS_STALE = f"SELECT 1 FROM place WHERE read_at < datetime('now', '-{DAYS_AWAY} days')"


def needed(name: str) -> str:
    return os.environ.get(name) or sys.exit(f"{name} is not set: say where it is, as for PrepaData's own processes")


def registry_client() -> SchemaRegistryClient:
    settings = {
        "url": needed("SCHEMA_REGISTRY_URL"),
        "basic.auth.user.info": os.environ.get("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"),
        "ssl.ca.location": os.environ.get("SCHEMA_REGISTRY_SSL_CA_LOCATION"),
    }
    return SchemaRegistryClient({name: value for name, value in settings.items() if value})


def cluster_settings() -> dict[str, str]:
    # KAFKA_SASL_USERNAME is librdkafka's sasl.username, and so on.
    secured = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): value
        for name, value in os.environ.items()
        if name.startswith(("KAFKA_SECURITY_", "KAFKA_SASL_", "KAFKA_SSL_")) and value
    }
    return {"bootstrap.servers": needed("KAFKA_BROKERS"), **secured}


def open_consumer() -> Consumer:
    return Consumer({
        # Offsets are kept in the file. The client needs a group all the same, but nothing is committed to it.
        "group.id": "feature-topics-to-sqlite",
        "enable.auto.commit": False,
        # An offset that the topic no longer has is an error, and not silently skipped.
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        **cluster_settings(),
    })


class Follower:
    """Keeps a SQLite file up to date with the topics."""

    def __init__(
        self, db: sqlite3.Connection, consumer: Consumer, admin: AdminClient, registry: SchemaRegistryClient
    ) -> None:
        self.db = db
        self.consumer = consumer
        self.admin = admin
        # Each message names the schema that it was written with; schemas with further fields need no new program.
        self.deserialize = AvroDeserializer(registry)
        self.partitions: set[tuple[str, int]] = set()
        self.ended: set[tuple[str, int]] = set()
        db.executescript(SCHEMA)

    def begin(self) -> None:
        """Goes on where the file ends, or from the beginning if it is new or too old, or if a topic was made again."""
        found = self.consumer.list_topics(timeout=30).topics
        missing = [topic for topic in TOPICS if topic not in found]
        if missing:
            sys.exit(f"there is no topic {', '.join(missing)}: start PrepaData's roles, or see that this login may describe it")
        ids = self.topic_ids()
        known = dict(self.db.execute("SELECT topic, id FROM known_topic"))
        # The old offsets may exist in a new topic, too, and would skip the messages before them.
        is_other = any(known.get(topic, id_) != id_ for topic, id_ in ids.items())
        if is_other or self.db.execute(IS_STALE).fetchone():
            self.forget()
        with self.db:
            self.db.executemany("INSERT OR REPLACE INTO known_topic VALUES (?, ?)", ids.items())
        places = {(topic, number): next_ for topic, number, next_, _ in self.db.execute("SELECT * FROM place")}
        self.partitions = {(topic, number) for topic in TOPICS for number in found[topic].partitions}
        self.ended = set()
        self.consumer.assign([TopicPartition(*place, places.get(place, OFFSET_BEGINNING)) for place in self.partitions])

    def topic_ids(self) -> dict[str, str]:
        described = self.admin.describe_topics(TopicCollection(TOPICS), request_timeout=30)
        ids = {topic: asked.result().topic_id for topic, asked in described.items()}
        return {topic: f"{id_.get_most_significant_bits()} {id_.get_least_significant_bits()}" for topic, id_ in ids.items()}

    def forget(self) -> None:
        with self.db:
            self.db.execute("DELETE FROM feature_row")
            self.db.execute("DELETE FROM place")

    def follow(self, once: bool) -> None:
        self.begin()
        while not (once and self.ended >= self.partitions):
            self.take(self.consumer.consume(BATCH, timeout=1))

    def take(self, messages: Iterable[Message]) -> None:
        read = []
        for message in messages:
            error = message.error()
            if error is None:
                read.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self.ended.add((message.topic(), message.partition()))
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                self.forget()
                return self.begin()
            else:
                raise KafkaException(error)
        if not read:
            return
        with self.db:
            for message in read:
                self.db.execute(UPSERT, self.row_of(message))
                self.db.execute(GO_ON, (message.topic(), message.partition(), message.offset() + 1))
            self.db.execute(STILL_HERE)

    def row_of(self, message: Message) -> tuple[str, int, int, int, str | None]:
        topic = message.topic()
        key = self.deserialize(message.key(), SerializationContext(topic, MessageField.KEY))
        version = int(dict(message.headers())["row_version"])
        # A tombstone has no value: the row is gone.
        row = self.deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
        text = None if row is None else json.dumps(row, default=str)
        return topic, key["student_id"], key["course_id"], version, text


def main(file: str, *options: str) -> None:
    consumer = open_consumer()
    try:
        admin = AdminClient(cluster_settings())
        Follower(sqlite3.connect(file), consumer, admin, registry_client()).follow(once="--once" in options)
    except KeyboardInterrupt:
        pass
    except KafkaException as error:
        sys.exit(f"Kafka says: {error.args[0].str()}. What was read is kept: start again once that is mended")
    finally:
        consumer.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""Compares what Feast gives with the tables and with a training set, and prints the count of values and every difference.

    python check_feast.py <feature repository> <training set>
"""

import json
import math
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd
import psycopg
import pyarrow.parquet
from feast import FeatureStore
from psycopg.rows import dict_row

FAMILIES = ["engagement_features", "performance_features", "anomaly_features"]
END_OF_DAY = "SELECT (%s::date + 1)::timestamp AT TIME ZONE time_zone AS at FROM institution_calendar"


def plain(value: object) -> object:
    """The same for equal values, whoever gives them."""
    if isinstance(value, str):
        try:
            return plain(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, datetime):
        return None if pd.isna(value) else int(value.timestamp())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return None if math.isnan(value) else float(value)
    if hasattr(value, "__iter__"):
        return [plain(each) for each in value]
    return None if value is pd.NaT or value is pd.NA else value


class Comparison:
    def __init__(self) -> None:
        self.values = 0
        self.known = 0
        self.differences: list[str] = []

    def compare(self, what: str, given: object, expected: object) -> None:
        self.values += 1
        self.known += plain(expected) is not None
        if plain(given) != plain(expected):
            self.differences.append(f"{what}: Feast has {given!r}, there is {expected!r}")


def online(store: FeatureStore, db: psycopg.Connection) -> Comparison:
    found = Comparison()
    for name in FAMILIES:
        fields = [field.name for field in store.get_feature_view(name).features]
        stored = db.execute(f"SELECT * FROM {name}").fetchall()
        keys = [{"student_id": row["student_id"], "course_id": row["course_id"]} for row in stored]
        given = store.get_online_features(features=[f"{name}:{field}" for field in fields], entity_rows=keys).to_dict()
        for place, row in enumerate(stored):
            for field in fields:
                found.compare(f"{name} {keys[place]} {field}", given[field][place], row[field])
    return found


def joined(store: FeatureStore, rows: list[dict], times: dict[date, datetime], fields: list[str]) -> list[dict]:
    """What was known of the key of each row at the time of its day, in the order of the rows."""
    keys = [(row["student_id"], row["course_id"], times[row["as_of"]]) for row in rows]
    asked = pd.DataFrame(keys, columns=["student_id", "course_id", "event_timestamp"])
    given = store.get_historical_features(entity_df=asked, features=[f"temporal_features:{each}" for each in fields])
    found = {
        (row["student_id"], row["course_id"], row["event_timestamp"].tz_localize("UTC")): row
        for row in given.to_df().to_dict("records")
    }
    return [found[key] for key in keys]


def historical(store: FeatureStore, db: psycopg.Connection, dataset: str) -> dict[str, Comparison]:
    fields = [field.name for field in store.get_feature_view("temporal_features").features]
    shared = [field for field in fields if field in pyarrow.parquet.read_schema(dataset).names]
    rows = pyarrow.parquet.read_table(dataset, columns=["student_id", "course_id", "as_of", *shared]).to_pylist()
    ends = {
        day: db.execute(END_OF_DAY, [day]).fetchone()["at"].astimezone(timezone.utc) for day in {row["as_of"] for row in rows}
    }
    just_before = {day: end - timedelta(seconds=1) for day, end in ends.items()}
    stored = {
        (row["student_id"], row["course_id"], row["feature_date"]): row
        for row in db.execute("SELECT * FROM temporal_features").fetchall()
    }
    found = {name: Comparison() for name in ("of the training set", "by day", "a second before")}
    answers = zip(rows, joined(store, rows, ends, fields), joined(store, rows, just_before, fields), strict=True)
    for row, at_end, before in answers:
        key, day = (row["student_id"], row["course_id"]), row["as_of"]
        for field in shared:
            found["of the training set"].compare(f"{key} {day} {field}", at_end[field], row[field])
        for name, answer, of_day in (("by day", at_end, day), ("a second before", before, day - timedelta(days=1))):
            expected = stored.get((*key, of_day))
            for field in fields if expected else []:
                found[name].compare(f"{key} {of_day} {field}", answer[field], expected[field])
    return found


def main(repository: str, dataset: str) -> None:
    store = FeatureStore(repository)
    with psycopg.connect(row_factory=dict_row) as db:
        compared = {"online": online(store, db), **historical(store, db, dataset)}
        print(json.dumps({name: vars(each) for name, each in compared.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])

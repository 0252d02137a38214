"""Lets a notebook read the sample campus of a running `npm start`.

    eval "$(python connectors/notebooks/campus.py)"

Runs connectors/readers.sql in its database, gives the role data_scientist a password, and prints what the notebook, Feast
and `npm run dataset` are to be told, as shell commands. With a database of your own run connectors/readers.sql yourself.
"""

import datetime
import json
import os
import secrets
import shlex
import sys
from pathlib import Path

import psycopg

ROLE = "data_scientist"
READERS = Path(__file__).parents[1] / "readers.sql"
# The first Sunday, and today: courses of the campus begin on Mondays, so weekly steps end their weeks.
DAYS = "SELECT min(feature_date) + 6, (SELECT today FROM institution_calendar) FROM temporal_features"


def allow_reading(owner: dict[str, str], password: str) -> tuple[datetime.date, datetime.date]:
    """Makes the role, and returns the first and last day to read."""
    address = {name: owner[name] for name in ("host", "port", "user", "password")}
    with psycopg.connect(**address, dbname=owner["database"]) as db:
        db.execute(READERS.read_text().replace("'change-me'", f"'{password}'"))
        # An existing role still has an earlier password, which nobody knows any more.
        db.execute(f"ALTER ROLE {ROLE} PASSWORD '{password}'")
        return db.execute(DAYS).fetchone()


def main() -> None:
    file = Path(os.environ.get("DATA_DIR", ".prepadata"), "running.json")
    if not file.exists():
        sys.exit(f"{file} is not there: run npm start first, in another terminal, and wait until it says that it is running")
    running = json.loads(file.read_text())
    if "url" not in running:
        sys.exit("npm start is not ready yet: wait until it says that it is running")
    password = secrets.token_urlsafe(18)
    try:
        first, last = allow_reading(running["analytics"], password)
    except psycopg.Error as error:
        sys.exit(f"the role {ROLE} cannot be made: {error}")
    variables = {
        "PREPADATA_URL": running["url"],
        "PGHOST": running["analytics"]["host"],
        "PGPORT": running["analytics"]["port"],
        "PGDATABASE": running["analytics"]["database"],
        "PGUSER": ROLE,
        "PGPASSWORD": password,
        "CAMPUS_DAYS": f"{first}..{last}/7d",
    }
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(str(value))}")


if __name__ == "__main__":
    main()

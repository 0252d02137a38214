"""The nightly reconcile of PrepaData, and backfills, as DAGs.

Both ask PrepaData over its REST API, and wait until the run has ended. Where to ask stands in the connection "prepadata" (type http;
the password is a token with the scope "run"), or else in PREPADATA_URL and PREPADATA_TOKEN. PrepaData's own schedule is to be off
(PIPELINE_SCHEDULE=off), so that not both begin a run.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.exceptions import AirflowFailException, AirflowNotFoundException
from airflow.sdk import BaseHook, Param, dag, get_current_context, task
from prepadata_client import Api, Refused, run_to_its_end

CONNECTION = "prepadata"

DEFAULT_ARGS = {"owner": "prepadata", "retries": 2, "retry_delay": timedelta(minutes=5)}
COMMON: dict[str, Any] = {
    "default_args": DEFAULT_ARGS,
    "start_date": datetime(2024, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    # Only one run at a time.
    "max_active_runs": 1,
    "tags": ["prepadata"],
}


def find_api() -> Api:
    """The API of the connection, or else of the environment."""
    try:
        connection = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        url = os.environ.get("PREPADATA_URL")
        if not url:
            raise AirflowFailException(
                f'there is neither a connection "{CONNECTION}" nor PREPADATA_URL: add a connection of type http with the '
                "host and port of PrepaData's API, and a token with the scope run as its password"
            ) from None
        return Api(url.rstrip("/"), os.environ.get("PREPADATA_TOKEN") or None)
    host = connection.host or "127.0.0.1"
    if "://" not in host:
        host = f"{connection.schema or 'http'}://{host}"
    port = "" if connection.port is None else f":{connection.port}"
    return Api(f"{host.rstrip('/')}{port}", connection.password or None)


def run(wanted: dict[str, Any]) -> str:
    """The id of a run that has succeeded. Airflow tries again unless that does not help."""
    try:
        return run_to_its_end(find_api(), wanted)["run_id"]
    except Refused as refusal:
        raise AirflowFailException(str(refusal)) from refusal


@dag(dag_id="daily_prepa_data_pipeline", schedule="0 2 * * *", description="Compares everything with the source, and repairs", **COMMON)
def daily() -> None:
    @task(execution_timeout=timedelta(hours=12))
    def reconcile() -> str:
        return run({"mode": "reconcile"})

    reconcile()


@dag(
    dag_id="backfill_prepa_data_pipeline",
    schedule=None,
    description="Computes days again",
    params={
        "from": Param(type="string", format="date", description="The first day"),
        "to": Param(None, type=["null", "string"], format="date", description="The last day; today unless given"),
        "course_id": Param(None, type=["null", "integer", "string"], description="Only this course: our integer, or the UUID of the source"),
        "student_id": Param(None, type=["null", "integer", "string"], description="Only this student, likewise"),
    },
    **COMMON,
)
def backfill() -> None:
    @task(execution_timeout=timedelta(hours=12))
    def compute_again() -> str:
        params = get_current_context()["params"]
        return run({"mode": "backfill", **{name: params[name] for name in ("from", "to", "course_id", "student_id")}})

    compute_again()


daily()
backfill()

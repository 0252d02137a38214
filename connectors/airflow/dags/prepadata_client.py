"""Requests runs of PrepaData over its REST API, waits until they have ended, and says what they found.

It does not depend on Airflow, so that other schedulers can use it as well.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5
"""How often the state of a run is read."""
AWAY_SECONDS = 600
"""How long the API may be away during a run, which goes on without it."""
ANSWER_SECONDS = 30
"""How long one answer may take."""

ENDED = ("succeeded", "failed", "cancelled")


class RunFailed(Exception):
    """A run ended without success, or left differences: another one may succeed."""


class Refused(Exception):
    """The API refuses the request: asking again does not help."""


@dataclass(frozen=True)
class Api:
    """The address of the API, such as http://127.0.0.1:8001, and a token with the scope "run" if it needs one."""

    url: str
    token: str | None = None

    def post(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        return self._checked(requests.post(self.url + path, json=dict(body), headers=self._headers(), timeout=ANSWER_SECONDS))

    def get(self, path: str, **query: str) -> requests.Response:
        return self._checked(requests.get(self.url + path, params=query, headers=self._headers(), timeout=ANSWER_SECONDS))

    def _headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        """Raises Refused if asking again does not help, requests.RequestException if it may."""
        if answer.status_code in (400, 401, 403, 404, 405, 413, 415):
            raise Refused(f"PrepaData answered {answer.status_code}: {sentence(answer)}")
        if answer.status_code != 409:
            answer.raise_for_status()
        return answer


def sentence(answer: requests.Response) -> str:
    """What an answer says is wrong, and what to do."""
    try:
        error = answer.json()["error"]
        return f"{error['message']}; {error['hint']}"
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]


def run_to_its_end(api: Api, wanted: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Requests a run and returns it when it has succeeded.

    :param wanted: the body of POST /api/pipeline/trigger
    :raises RunFailed: it failed, was cancelled, or left differences that it could not repair
    :raises Refused: a wrong token, or parameters that make no sense
    :raises requests.RequestException: the API is away
    """
    run = wait_for(api, trigger(api, wanted, sleep), sleep)
    log.info("%s", table(run))
    if run["status"] != "succeeded":
        raise RunFailed(f"run {run['run_id']} {run['status']}: {run['reason'] or 'no reason is known'}")
    if run["records_failed"]:
        raise RunFailed(f"run {run['run_id']} left {run['records_failed']} differences that it could not repair")
    return run


def trigger(api: Api, wanted: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> str:
    """Requests a run, after waiting for the one in progress, since only one runs at a time. Returns its id."""
    body = {name: value for name, value in wanted.items() if value is not None}
    while True:
        answer = api.post("/api/pipeline/trigger", body)
        said = answer.json()
        if answer.status_code != 409:
            log.info("run %s is asked for: %s", said["run_id"], body)
            return said["run_id"]
        other = said["error"].get("run_id")
        if other is None:
            raise RunFailed(sentence(answer))
        log.info("run %s goes already; waiting for its end", other)
        wait_for(api, other, sleep)


def wait_for(api: Api, run_id: str, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Returns the run when it has ended, however it ended."""
    last = None
    away = 0.0
    while True:
        try:
            run = api.get("/api/pipeline/status", run_id=run_id).json()
            away = 0.0
        except requests.RequestException:
            if away >= AWAY_SECONDS:
                raise
            log.warning("the API is away; the run goes on without it", exc_info=True)
            away += LOOK_EVERY_SECONDS
            sleep(LOOK_EVERY_SECONDS)
            continue
        if run["status"] in ENDED:
            return run
        progress = run["progress"]
        if progress is not None and progress != last:
            log.info("%s: %s of %s", progress["phase"], progress["done"], progress["total"] if progress["total"] is not None else "?")
        last = progress
        sleep(LOOK_EVERY_SECONDS)


COLUMNS = ("equal", "mismatched", "missing", "extra", "repaired")


def table(run: Mapping[str, Any]) -> str:
    """What a run found, for people: every source table, and the features that differed."""
    head = f"run {run['run_id']} ({run['mode']}) {run['status']}"
    verdict = run["verdict"]
    if verdict is None:
        return head
    features = verdict["features"]
    differing = {name: tally for name, tally in features.items() if tally["mismatched"] or tally["missing"] or tally["extra"]}
    tallies = {**verdict["tables"], **dict(sorted(differing.items()))}
    width = max([len(name) for name in tallies], default=5)
    lines = [" ".join(["".ljust(width), *(column.rjust(10) for column in COLUMNS)])]
    for name, tally in tallies.items():
        lines.append(" ".join([name.ljust(width), *(str(tally[column]).rjust(10) for column in COLUMNS)]))
    values = sum(tally["equal"] for tally in features.values())
    lines.append(f"{len(features) - len(differing)} of {len(features)} features without a difference, {values} values equal")
    for example in verdict["examples"][:10]:
        repaired = ", repaired" if example["repaired"] else ""
        where = f"{example['kind']} in {example['where']}, {example['key']}"
        lines.append(f"{where}: expected {example['expected']}, found {example['found']}{repaired}")
    return "\n".join([head, *lines])

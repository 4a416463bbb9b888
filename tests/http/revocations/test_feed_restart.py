"""The real service with polls open: a restart is quick, and loses nothing."""

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from authbridge.clock import utc_now
from authbridge.storage.database import Database
from authbridge.storage.models import ProsodyNode
from tests.support.combinations import SQLITE_FIRST
from tests.support.feeds import settle, suspend, until
from workbench.processes import PATIENCE
from workbench.service import Service

NODES = ("node-a", "node-b", "node-c")
WAIT = 20  # seconds


@pytest.fixture(name="service")
def start_service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """The service as an operator runs it, over either database."""
    service = Service(tmp_path / "service", database_url, bcrypt_cost=4)
    service.start()
    yield service
    service.stop()


def ask(service: Service, node: str, epoch: str | None, cursor: int) -> dict[str, Any]:
    """One question; the answer's body."""
    body = json.dumps({"node": node, "epoch": epoch, "cursor": cursor, "wait": WAIT})
    token = service.token_file.read_text()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/revocations", body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200
        told: dict[str, Any] = json.loads(answer.read())
        return told
    finally:
        connection.close()


def are_following(database: Database, count: int) -> bool:
    """Whether so many nodes have asked for what comes after their snapshot."""
    with database.read_session() as session:
        return session.scalar(select(func.count(ProsodyNode.cursor))) == count


@pytest.mark.realtime
@SQLITE_FIRST
def test_a_restart_with_open_polls_is_quick_and_loses_nothing(service: Service, database: Database) -> None:
    """The polls end empty-handed when the service is told to stop; what is told meanwhile comes after it."""
    settle(database, "ohg-a")
    epoch = ask(service, "node-a", None, 0)["epoch"]
    with ThreadPoolExecutor(len(NODES)) as threads:
        polls = [threads.submit(ask, service, node, epoch, 0) for node in NODES]
        until(lambda: are_following(database, len(NODES)))
        began = time.monotonic()
        service.stop()
        stopped_after = time.monotonic() - began
        ended = [poll.result() for poll in polls]
        suspend(database, "ohg-a", utc_now())
        service.start()
        told = list(threads.map(lambda node: ask(service, node, epoch, 0), NODES))

    assert stopped_after < 2
    assert ended == [{"epoch": epoch, "cursor": 0, "events": []}] * len(NODES)
    event = {"id": 1, "username": "ohg-a", "action": "suspend"}
    assert told == [{"epoch": epoch, "cursor": 1, "events": [event]}] * len(NODES)


def test_a_command_in_another_process_reaches_an_open_poll(service: Service, database: Database) -> None:
    """The command line writes; the service notices."""
    settle(database, "ohg-a")
    epoch = ask(service, "node-a", None, 0)["epoch"]
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        poll = threads.submit(ask, service, "node-a", epoch, 0)
        until(lambda: are_following(database, 1))
        service.command("suspend", "organiser", "ohg-a", "--reason", "misuse")

        assert poll.result()["events"] == [{"id": 1, "username": "ohg-a", "action": "suspend"}]
    assert time.monotonic() - began < WAIT
    assert "ohg-a" not in service.log.read_text()

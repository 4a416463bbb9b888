"""The service's own log, in systemd's journal or as text: lines with the id of a request, about nobody."""

import http.client
import json
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from contextvars import copy_context
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from authbridge import service_log
from authbridge.login import alarms
from tests.http.test_api import question
from workbench import ROOT
from workbench.processes import PATIENCE, Process
from workbench.service import Service

JOURNALD = Path("/lib/systemd/systemd-journald")
USERNAME, PASSWORD, ADDRESS = "ohg-somebody", "MARKER-passw0rd", "198.51.100.7"

# A journal of its own, in namespaces that end with the test; a second one would not harm the machine's.
NAMESPACES = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
SCRIPT = """
mkdir -p /run/systemd/journal /run/log
mount --bind "$1/sockets" /run/systemd/journal
mount --bind "$1/log" /run/log
"$2" &
until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
shift 2
# As systemd does it for a unit; systemd-cat leaves the variable out.
exec systemd-cat sh -c 'JOURNAL_STREAM=$(stat --dereference --format %d:%i /proc/self/fd/2) exec "$@"' sh "$@"
"""


@pytest.fixture(name="service")
def make_service(tmp_path: Path, sqlite_template: Path) -> Service:
    """A service over an empty database, not started."""
    service = Service(tmp_path / "service", bcrypt_cost=4, host="meet.test")
    shutil.copy(sqlite_template, tmp_path / "service" / "authbridge.db")
    return service


def meet_a_fault(service: Service) -> None:
    """Asks about a login while a table is missing."""
    with closing(sqlite3.connect(service.folder / "authbridge.db")) as database:
        database.execute("ALTER TABLE login_attempts RENAME TO elsewhere")
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)) as connection:
        sent = question(USERNAME, PASSWORD, request_id="q-17", ip=ADDRESS)
        token = {"Authorization": f"Bearer {service.token_file.read_text()}"}
        connection.request("POST", "/v1/authenticate", json.dumps(sent), token)
        assert connection.getresponse().status == 503


def test_a_line_of_text_ends_with_the_id_of_its_request(service: Service) -> None:
    """What is not of a request has none; nobody is named."""
    service.start()
    meet_a_fault(service)
    service.stop()

    lines = [line for line in service.log.read_text().splitlines() if line.startswith("ERROR storage: ")]
    assert [line.rpartition(" ")[2] for line in lines] == ["request_id=q-17"]
    assert_nobody_is_in(service.log.read_text(), service)


@pytest.mark.skipif(os.geteuid() != 0 or not JOURNALD.exists(), reason="needs root, and systemd's journald")
def test_the_journal_has_the_id_as_a_field(service: Service, journal: Path) -> None:
    """As systemd starts the service; an entry is found by it, and has the priority of its line."""
    run = [*NAMESPACES, "bash", "-euc", SCRIPT, "journal", str(journal), str(JOURNALD)]
    process = Process(
        [*run, sys.executable, "-m", "authbridge", "serve"],
        log=journal / "output.log",
        environ=service.environ,
    )
    process.start()
    try:
        process.await_ready(service.is_healthy)
        meet_a_fault(service)
        deadline = time.monotonic() + PATIENCE
        while not (found := entries(journal, "AUTHBRIDGE_REQUEST_ID=q-17")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        everything = json.dumps(entries(journal))
    finally:
        process.kill()

    (entry,) = found
    assert entry["MESSAGE"].startswith("storage: ")
    assert entry["MESSAGE"].endswith("no such table: login_attempts. request_id=q-17")
    assert (entry["PRIORITY"], entry["LOGGER"]) == ("3", "authbridge.api")
    assert (entry["SYSLOG_IDENTIFIER"], entry["_TRANSPORT"]) == ("authbridge", "journal")
    assert_nobody_is_in(everything, service)


@pytest.fixture(name="journal")
def make_journal(tmp_path: Path) -> Path:
    """The folders of a journal of its own."""
    for name in ("sockets", "log/journal"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def entries(journal: Path, *matches: str) -> list[dict[str, Any]]:
    """Reads the journal."""
    command = ["journalctl", "--directory", str(journal / "log/journal"), "--output", "json", *matches]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_nobody_is_in(log: str, service: Service) -> None:
    """Neither the person nor a secret."""
    for secret in (USERNAME, PASSWORD, ADDRESS, service.token_file.read_text()):
        assert secret not in log


def test_a_line_that_the_journal_does_not_take_is_written_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Journald restarts now and then."""
    handler = service_log.JournalHandler(str(tmp_path / "nobody-listens"))
    handler.handle(logging.LogRecord("authbridge", logging.ERROR, __file__, 1, "a fault", None, None))
    handler.close()

    assert capsys.readouterr().err == "ERROR a fault\n"


def test_a_line_end_begins_no_other_field(tmp_path: Path) -> None:
    """Whatever a message quotes is one field, as the protocol of the journal has it."""
    place = str(tmp_path / "journal")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as journal:
        journal.bind(place)
        handler = service_log.JournalHandler(place)
        forged = "a fault\nPRIORITY=0\nAUTHBRIDGE_REQUEST_ID=q-18"
        handler.handle(logging.LogRecord("authbridge", logging.WARNING, __file__, 1, forged, None, None))
        handler.close()
        entry = journal.recv(4096)

    fields = {}
    while entry:
        name, _, entry = entry.partition(b"\n")
        length = int.from_bytes(entry[:8], "little")
        fields[name.decode()], entry = entry[8 : 8 + length].decode(), entry[9 + length :]
    assert fields == {
        "MESSAGE": forged,
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "authbridge",
        "LOGGER": "authbridge",
    }


def test_what_is_done_after_the_answer_keeps_the_id() -> None:
    """An alarm that could not be raised belongs to a login."""
    noted: Queue[str | None] = Queue()

    def answer() -> None:
        service_log.request_id.set("q-17")
        alarms.after_the_answer()(lambda: noted.put(service_log.request_id.get()))
        service_log.request_id.set("q-18")  # the next one, in the same thread

    copy_context().run(answer)
    assert noted.get(timeout=PATIENCE) == "q-17"


def test_the_text_of_an_exception_is_left_out() -> None:
    """A library may log one with its text, and that may quote what somebody typed."""
    with pytest.raises(ValueError, match=PASSWORD) as raised:
        int(PASSWORD)
    thrown = raised.type, raised.value, raised.tb
    record = logging.makeLogRecord({"msg": "it failed", "levelname": "ERROR", "exc_info": thrown})

    text = service_log.text_handler().format(record)
    assert text.startswith("ERROR it failed\nValueError at ")
    assert text.partition(" at ")[2].startswith(str(ROOT))
    assert PASSWORD not in text


def test_only_the_connection_that_systemd_made_counts_as_the_journal(tmp_path: Path) -> None:
    """Standard error may lead to a file all the same, and the variable is inherited."""
    with (tmp_path / "file").open("w") as file:
        status = os.fstat(file.fileno())
        ours = f"{status.st_dev}:{status.st_ino}"
        assert service_log.leads_to_journal(file.fileno(), {"JOURNAL_STREAM": ours})
        for others in ({}, {"JOURNAL_STREAM": f"{ours}1"}, {"JOURNAL_STREAM": ""}):
            assert not service_log.leads_to_journal(file.fileno(), others)

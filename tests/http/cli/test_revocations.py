"""Logging out everywhere, and the Prosodys that carry it out, on the command line."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from authbridge.clock import utc_now
from authbridge.revocations import feed
from authbridge.revocations.reports import Contact, NodeReport, note_contact
from authbridge.storage.database import Database
from tests.http.conftest import Run


def told(environ: dict[str, str]) -> list[str]:
    """What a Prosody that follows is told."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.read_session() as session:
        epoch, _ = feed.position(session.connection())
        answer = feed.read(session, epoch, 0, now=utc_now())
    database.engine.dispose()
    assert isinstance(answer, feed.Events)
    return [event.action for event in answer.events]


def follow(
    environ: dict[str, str], node: str, *reports: NodeReport, meetings: dict[str, int] | None = None
) -> None:
    """A Prosody asks now: it has carried out everything."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.write_session() as session:
        place = feed.position(session.connection())
        note_contact(session, Contact(node, *place, reports, meetings or {}), now=utc_now())
    database.engine.dispose()


@contextmanager
def carried_out(environ: dict[str, str], *reports: NodeReport) -> Iterator[None]:
    """Meanwhile a Prosody carries out what it is told."""
    before = len(told(environ))

    def carry_out() -> None:
        while len(told(environ)) == before:
            time.sleep(0.01)
        follow(environ, "prosody-1", *reports)

    prosody = threading.Thread(target=carry_out, daemon=True)
    prosody.start()
    yield
    prosody.join()


@pytest.mark.usefixtures("school")
def test_an_organiser_is_logged_out_everywhere(run: Run, environ: dict[str, str]) -> None:
    """Also by an end of validity now; a suspended one is out already, and a wrong name is said."""
    name = json.loads(run("organiser", "issue", "ohg", "--format", "json").stdout)[0]["username"]

    assert "is logged out everywhere." in run("organiser", "end-sessions", name).stdout
    run("organiser", "expire", name)
    run("suspend", "organiser", name, "--reason", "misuse")
    assert "is suspended" in run("organiser", "end-sessions", name).stdout
    assert "no organiser" in run("organiser", "end-sessions", "ohg-nobody", code=1).stderr

    assert told(environ) == ["end_sessions", "end_sessions", "suspend"]


@pytest.mark.usefixtures("school")
def test_a_prosody_is_listed_until_it_is_forgotten(run: Run, environ: dict[str, str]) -> None:
    """With the moment of its last question; a wrong name is said."""
    assert "No Prosody" in run("node", "list").stdout
    assert json.loads(run("node", "list", "--json").stdout) == []
    follow(environ, "prosody-1")

    (row,) = json.loads(run("node", "list", "--json").stdout)
    assert (row["node"], row["state"]) == ("prosody-1", "in order")
    assert "prosody-1" in run("node", "list").stdout
    assert "is forgotten" in run("node", "forget", "prosody-1").stdout
    assert json.loads(run("node", "list", "--json").stdout) == []
    assert "There is no node" in run("node", "forget", "prosody-1", code=1).stderr


def issue(run: Run) -> str:
    """A new organiser's name."""
    name: str = json.loads(run("organiser", "issue", "ohg", "--format", "json").stdout)[0]["username"]
    return name


@pytest.mark.usefixtures("school")
def test_each_command_that_logs_out_says_what_that_ended(run: Run, environ: dict[str, str]) -> None:
    """As soon as the Prosodys have said so; the new password stands alone on standard output."""
    name = issue(run)
    follow(environ, "prosody-1")
    with carried_out(environ, NodeReport(1, 2, 1, 1)):
        said = run("suspend", "organiser", name, "--reason", "misuse").stdout
    assert f"“{name}” is suspended." in said
    assert "2 logins ended, 1 meeting ended, remembered login deleted; on 1 of 1 meeting servers, " in said
    assert "2 logins ended" in run("organiser", "end-sessions", name).stdout
    run("reinstate", "organiser", name)
    for number, command in ((3, ("organiser", "end-sessions", name)), (4, ("organiser", "expire", name))):
        with carried_out(environ, NodeReport(number, 0, 0, 0)):
            assert "Nobody was logged in; on 1 of 1 meeting servers, " in run(*command).stdout
    with carried_out(environ, NodeReport(5, 1, 2, 2)):
        done = run("organiser", "reset", name, "--format", "json")
    assert json.loads(done.stdout)[0]["username"] == name
    assert "1 login ended, 2 meetings ended, 2 remembered logins deleted; on 1 of 1" in done.stderr
    with carried_out(environ, NodeReport(6, 3, 0, 0)):
        said = run("suspend", "school", "ohg", "--reason", "other").stdout
    assert "3 logins ended; on 1 of 1" in said


@pytest.mark.parametrize(
    ("count", "which", "until_then"),
    [(1, "1 remembered login", "it opens"), (2, "2 remembered logins", "they open")],
)
@pytest.mark.usefixtures("school")
def test_a_login_that_waits_is_said(
    run: Run, environ: dict[str, str], count: int, which: str, until_then: str
) -> None:
    """Until it is deleted; nobody waits for it, and nobody is said not to have been there."""
    name = issue(run)
    follow(environ, "prosody-1")
    with carried_out(environ, NodeReport(1, 0, 0, 0, waiting=count)):
        said = run("suspend", "organiser", name, "--reason", "misuse").stdout
    assert "Carried out; on 1 of 1 meeting servers, " in said
    assert f". {which} will be deleted automatically as soon as Jitsi answers again." in said
    assert said.rstrip().endswith(f"again. Until then {until_then} no meeting.")
    follow(environ, "prosody-1", NodeReport(1, 0, 0, count))
    said = run("organiser", "end-sessions", name).stdout
    assert "deleted; on 1 of 1 meeting servers, " in said
    assert "Jitsi" not in said


@pytest.mark.realtime
@pytest.mark.usefixtures("school")
def test_without_an_answer_it_says_only_that_they_will_be_notified(run: Run, environ: dict[str, str]) -> None:
    """At once where there is none, after two seconds where one is silent."""
    name = issue(run)
    began = time.monotonic()
    assert "The meeting servers will be notified." in run("organiser", "end-sessions", name).stdout
    assert time.monotonic() - began < 2
    follow(environ, "prosody-1")
    began = time.monotonic()
    assert "The meeting servers will be notified." in run("organiser", "end-sessions", name).stdout
    assert time.monotonic() - began >= 2


@pytest.mark.usefixtures("school")
def test_running_meetings_are_shown(run: Run, environ: dict[str, str]) -> None:
    """Of a Prosody, a school and an organiser; nothing where nobody knows."""
    name = issue(run)
    for command in (("school", "show", "ohg"), ("organiser", "show", name)):
        assert json.loads(run(*command, "--json").stdout)["meetings"] is None
    follow(environ, "prosody-1", meetings={name: 2, "": 3})
    for command in (("school", "show", "ohg"), ("organiser", "show", name)):
        assert json.loads(run(*command, "--json").stdout)["meetings"] == 2
    assert json.loads(run("node", "list", "--json").stdout)[0]["meetings"] == 5

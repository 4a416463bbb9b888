"""Logging out everywhere, and the Prosodys that carry it out, on the command line."""

import json

import pytest

from authbridge import feed
from authbridge.clock import utc_now
from authbridge.database import Database
from authbridge.feed import Contact
from tests.http.conftest import Run


def told(environ: dict[str, str]) -> list[str]:
    """What a Prosody that follows is told."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.reading() as session:
        epoch, _ = feed.position(session.connection())
        answer = feed.read(session, Contact("node-a", epoch, 0), now=utc_now())
    database.engine.dispose()
    assert isinstance(answer, feed.Events)
    return [event.action for event in answer.events]


def follow(environ: dict[str, str], node: str) -> None:
    """A Prosody asks now."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.writing() as session:
        feed.note_contact(session, Contact(node, None, 0), now=utc_now())
    database.engine.dispose()


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

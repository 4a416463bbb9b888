"""A real lesson in browsers, from the name that will not do to the same room on the next morning."""

import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.chromium import PATIENCE
from tests.support.jitsi.meeting_page import MeetingPage, serve_pages
from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.rules import WORDS
from tests.support.jitsi.server import LOBBY, MEETINGS, Deployment, open_deployment
from tests.support.login_server import NEWER, UNPACKED

CLASS = [f"pupil-{number}" for number in range(1, 31)]
AT_ONCE = 5.0  # seconds for the whole class
RELOAD = 2.0  # seconds for a page on a busy machine; 45 in production
PASSWORD, MEMBERS_ONLY = "muc#roomconfig_roomsecret", "muc#roomconfig_membersonly"


def await_true(browser: Chrome, condition: Callable[[], bool]) -> None:
    """Returns once it is so."""
    WebDriverWait(browser, PATIENCE, 0.02).until(lambda _: condition())


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("version", "transport"),
    [
        pytest.param(*each, marks=[] if each == (NEWER, "websocket") else pytest.mark.soak)
        for each in product(UNPACKED, ("bosh", "websocket"))
    ],
)
def test_a_real_lesson(
    browser: Chrome, version: str, transport: str, tmp_path: Path, sqlite_template: Path
) -> None:
    """With all rules as they are by default, but for a shorter time to come back."""
    rules = {"meeting_rules_grace": RELOAD}
    with (
        open_deployment(version, tmp_path, sqlite_template, rules=rules) as deployment,
        serve_pages() as pages,
    ):
        browser.get(f"{pages}/meeting.html")
        meeting = MeetingPage(browser, browser.current_window_handle, deployment.jitsi.prosody)
        who = deployment.auth.issue()
        room = open_by_the_offered_name(meeting, who, transport)
        seconds = admit_the_class(meeting, room, transport)
        print(f"{len(CLASS)} pupils knocked and were in after {seconds:.2f} s")  # noqa: T201 - a figure
        assert seconds < AT_ONCE
        reload_and_be_let_in(meeting, room)
        let_a_pupil_try(meeting, room, CLASS[0])
        leave_last(meeting, room, deployment, transport)
        open_on_the_next_morning(meeting, room, who, transport)


def open_by_the_offered_name(meeting: MeetingPage, who: IssuedCredential, transport: str) -> str:
    """Reads before any password that the name will not do, takes the one that is offered, and leads."""
    meeting.enter("host", transport)
    refusal = meeting.ask("host", room_jid("physik%20%c3%bcbung"))
    assert (refusal["error"], refusal["code"]) == ("service-unavailable", "406")
    assert refusal["text"] == WORDS["names"]
    room = room_jid(refusal["text"].rpartition(" ")[2])
    assert meeting.ask("host", room)["error"] == "not-authorized"  # now the page asks for a password
    meeting.lead("host", who, room)
    await_true(meeting.browser, lambda: meeting.role("host") == "moderator")
    return room


def admit_the_class(meeting: MeetingPage, room: str, transport: str) -> float:
    """Nobody has switched the lobby on; returns the seconds from the first knock until all are in."""
    meeting.enter_together(CLASS, transport)
    assert not any(answer.get("error") for answer in meeting.together(CLASS, "waitForHost", room))
    started = time.monotonic()
    refusals = meeting.together(CLASS, "knock", room)
    lobby = room.replace(MEETINGS, LOBBY)
    assert refusals == [{"error": "registration-required", "text": "", "lobby": lobby}] * len(CLASS)
    meeting.admit("host", room, CLASS)
    assert meeting.together(CLASS, "enterFromLobby", room) == [None] * len(CLASS)
    return time.monotonic() - started


def reload_and_be_let_in(meeting: MeetingPage, room: str) -> None:
    """The organiser comes back into their own lobby, and nobody has to admit them."""
    meeting.reload("host")
    assert not meeting.ask("host", room).get("error")
    assert meeting.join("host", room) is None
    await_true(meeting.browser, lambda: meeting.role("host") == "moderator")
    assert meeting.submit_form("host", room, {PASSWORD: "Igel-Kuchen-7", MEMBERS_ONLY: "1"}) is None


def let_a_pupil_try(meeting: MeetingPage, room: str, pupil: str) -> None:
    """Made a moderator by the organiser: the room stays closed, unrecorded, and the organiser's."""
    assert meeting.promote("host", room, pupil) is None
    await_true(meeting.browser, lambda: meeting.role(pupil) == "moderator")
    assert meeting.submit_form(pupil, room, {PASSWORD: "", MEMBERS_ONLY: "0"}) is None
    meeting.enter("stranger", "websocket")
    refusal = meeting.join("stranger", room)
    assert refusal is not None
    assert refusal["error"] == "registration-required"
    assert meeting.record(pupil, room) == {"error": "forbidden", "text": WORDS["recording"]}
    assert meeting.record("host", room) == {"error": "forbidden", "text": WORDS["recording"]}
    refusal = meeting.kick(pupil, room, "host")
    assert refusal is not None
    assert refusal["error"] == "not-allowed"
    assert meeting.notices(["host", *CLASS]) == {name: [] for name in ["host", *CLASS]}


def leave_last(meeting: MeetingPage, room: str, deployment: Deployment, transport: str) -> None:
    """All read why it is over, the pupil who was made a moderator too, and nobody goes on with the room."""
    meeting.close("host")
    await_true(meeting.browser, lambda: all(meeting.notices(CLASS).values()))
    told = meeting.notices(CLASS)
    assert {(told[name][0].kind, told[name][0].text) for name in CLASS} == {("destroyed", WORDS["ending"])}
    await_true(meeting.browser, lambda: room not in deployment.jitsi.focus.conferences)
    meeting.enter(CLASS[0], transport)
    assert meeting.ask(CLASS[0], room)["error"] == "not-authorized"
    refusal = meeting.join(CLASS[0], room)
    assert refusal is not None
    assert refusal["text"] == WORDS["opening"]


def open_on_the_next_morning(meeting: MeetingPage, room: str, who: IssuedCredential, transport: str) -> None:
    """This time with a password, without the lobby; that of yesterday opens nothing."""
    meeting.enter("host", transport)
    meeting.lead("host", who, room)
    await_true(meeting.browser, lambda: meeting.role("host") == "moderator")
    assert meeting.submit_form("host", room, {PASSWORD: "Dachs-Torte-8", MEMBERS_ONLY: "0"}) is None
    ada, ben = CLASS[:2]
    meeting.enter_together([ada, ben], transport)
    assert not any(answer.get("error") for answer in meeting.together([ada, ben], "waitForHost", room))
    refusal = meeting.join(ada, room, "Igel-Kuchen-7")
    assert refusal is not None
    assert refusal["error"] == "not-authorized"
    assert meeting.join(ben, room, "Dachs-Torte-8") is None
    assert meeting.role(ben) == "participant"

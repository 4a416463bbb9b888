"""What people read in a browser where one rule alone is on: whole sentences, in German and in English."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.end_to_end.meeting_rules.conftest import DeploymentWith
from tests.support.chromium import PATIENCE
from tests.support.combinations import each_once
from tests.support.jitsi.meeting_page import MeetingPage, serve_pages
from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.rules import RULES, WORDS
from tests.support.jitsi.server import Deployment
from tests.support.login_server import OLDER, VERSIONS


@dataclass(frozen=True, slots=True)
class Screens:
    """Those of an organiser and of a pupil, who have just opened the page."""

    meeting: MeetingPage
    deployment: Deployment
    transport: str

    def room(self, rule: str) -> str:
        """Returns a room of this test's own."""
        return room_jid(f"{rule}-{self.transport}")

    def lead(self, room: str) -> None:
        """Lets the organiser come in."""
        self.meeting.lead("host", self.deployment.auth.issue(), room)
        self.wait(lambda: self.meeting.role("host") == "moderator")

    def wait(self, condition: Callable[[], bool]) -> None:
        """Returns once it is so."""
        WebDriverWait(self.meeting.browser, PATIENCE, 0.02).until(lambda _: condition())

    def refusal_at_the_door(self, room: str) -> str:
        """Returns what the pupil reads who does not ask and just comes."""
        refusal = self.meeting.join("pupil", room)
        assert refusal is not None
        assert refusal["error"] == "not-allowed"
        return refusal["text"]


def read_of_the_name(screens: Screens) -> dict[str, str]:
    """The pupil asks for a room whose name will not do."""
    return {"names": screens.meeting.ask("pupil", room_jid("physik%20%c3%bcbung"))["text"]}


def read_of_the_school(screens: Screens) -> dict[str, str]:
    """The organiser types their password for another school's room."""
    answer = screens.meeting.log_in("host", screens.deployment.auth.issue("gym"), room_jid("ohg-5a"))
    return {"schools": answer["text"]}


def read_of_protection(screens: Screens) -> dict[str, str]:
    """The organiser has logged in and is not in the room yet."""
    room = screens.room("protection")
    answer = screens.meeting.log_in("host", screens.deployment.auth.issue(), room)
    assert not answer.get("error")
    screens.wait(lambda: screens.deployment.jitsi.focus.conferences[room].is_joined)
    assert screens.meeting.ask("pupil", room)["error"] == "not-authorized"
    return {"protection": screens.refusal_at_the_door(room)}


def read_of_the_end(screens: Screens) -> dict[str, str]:
    """The organiser leaves; somebody comes meanwhile, and a mate is in the room until the end."""
    room, meeting = screens.room("ending"), screens.meeting
    screens.lead(room)
    meeting.enter("mate", screens.transport)
    meeting.follow("mate", room)
    meeting.close("host")
    waiting = screens.refusal_at_the_door(room)
    screens.wait(lambda: bool(meeting.notices(["mate"])["mate"]))
    return {"waiting": waiting, "ending": meeting.notices(["mate"])["mate"][0].text}


def read_of_recording(screens: Screens) -> dict[str, str]:
    """The organiser starts one."""
    room = screens.room("recording")
    screens.lead(room)
    refusal = screens.meeting.record("host", room)
    screens.meeting.close("host")
    assert refusal is not None
    return {"recording": refusal["text"]}


def read_of_opening(screens: Screens) -> dict[str, str]:
    """Nobody has opened that room."""
    return {"opening": screens.refusal_at_the_door(screens.room("opening"))}


_STORIES = {
    "names": read_of_the_name,
    "schools": read_of_the_school,
    "protection": read_of_protection,
    "ending": read_of_the_end,
    "recording": read_of_recording,
    "opening": read_of_opening,
}


@pytest.fixture(name="screens")
def open_screens(
    deployment_with: DeploymentWith, version: str, rule: str, browser: Chrome
) -> Iterator[Screens]:
    """Opens both pages; each version of Prosody has a transport of its own."""
    deployment, transport = deployment_with(version, rule), "bosh" if version == OLDER else "websocket"
    with serve_pages() as pages:
        browser.get(f"{pages}/meeting.html")
        meeting = MeetingPage(browser, browser.current_window_handle, deployment.jitsi.prosody)
        for name in ("host", "pupil"):
            meeting.enter(name, transport)
        yield Screens(meeting, deployment, transport)


@pytest.mark.parametrize(("version", "rule"), each_once(VERSIONS, RULES))
def test_each_sentence_arrives(screens: Screens, rule: str) -> None:
    """As the contract has it, which holds the panel's help to the same words."""
    for name, text in _STORIES[rule](screens).items():
        assert text == WORDS[name]
        assert len(text.split(" / ")) == len(("German", "English"))

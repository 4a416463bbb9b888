"""A click in the real panel, and real browsers in the meeting: all are told, and the panel proves it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import Role
from tests.support.chromium import open_chromium
from tests.support.factories import make_organiser, make_school
from tests.support.jitsi.meeting_page import MeetingPage, serve_pages
from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.server import (
    AT_ONCE,
    LOBBY,
    MEETING_ENDED,
    MEETINGS,
    SUSPENDED,
    make_prosody,
    open_jitsi,
    run_jitsi,
)
from tests.support.login_server import NEWER, OLDER
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server
from workbench.processes import PATIENCE

PUPILS = {"ada": "websocket", "ben": "bosh", "cem": "bosh"}


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """Panel and auth service over one database."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        panel_server.service.start()
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One with two windows: the clerk's, and that of the people in the meeting."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def await_true(browser: Chrome, condition: Callable[[], bool]) -> None:
    """Returns once it is so."""
    WebDriverWait(browser, PATIENCE, 0.02).until(lambda _: condition())


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("version", "transport"), [pytest.param(OLDER, "bosh", marks=pytest.mark.soak), (NEWER, "websocket")]
)
def test_one_click(
    panel_server: PanelServer, browser: Chrome, version: str, transport: str, tmp_path: Path
) -> None:
    """The organiser leads from the browser, pupils join; “Sperren”, and within a second all is over."""
    who, room = make_organiser(panel_server.database), room_jid("physik")
    clerk = panel_server.enrol(Role.CLERK)
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_window = browser.current_window_handle
    with (
        open_jitsi(version, tmp_path, panel_server.service, external_auth_node="meet") as jitsi,
        serve_pages() as pages,
    ):
        browser.switch_to.new_window("window")
        browser.get(f"{pages}/meeting.html")
        meeting = MeetingPage(browser, browser.current_window_handle, jitsi.prosody)
        meeting.enter("host", transport)
        assert meeting.ask("host", room)["error"] == "not-authorized"
        meeting.lead("host", who, room)
        for name, their_transport in PUPILS.items():
            meeting.enter(name, their_transport)
            meeting.follow(name, room)
        await_true(browser, lambda: meeting.role("host") == "moderator")
        everybody = ["host", *PUPILS]
        await_true(browser, lambda: all(map(meeting.role, everybody)))

        browser.switch_to.window(panel_window)
        panel_browser.open("/sign-in")
        panel_browser.press("Deutsch")
        panel_browser.sign_in(clerk)
        suspend = "Sperren: beendet 1 laufende Besprechung"  # told within two seconds

        def is_told() -> bool:
            panel_browser.open("/schools/ohg")
            return suspend in panel_browser.row(who.username)

        await_true(browser, is_told)
        clicked = time.time()
        panel_browser.press(suspend, beside=who.username)
        panel_browser.await_text("1 Besprechung beendet")
        proof = panel_browser.text

        await_true(browser, lambda: all(meeting.notices(everybody).values()))
        await_true(browser, lambda: len(meeting.notices(["host"])["host"]) == 3)
        told = meeting.notices(everybody)
        assert {(told[name][0].kind, told[name][0].text) for name in PUPILS} == {("destroyed", MEETING_ENDED)}
        assert told["host"][0].text == SUSPENDED
        assert [notice.kind for notice in told["host"]] == ["destroyed", "hung up", "DISCONNECTED"]
        assert max(each[0].at for each in told.values()) - clicked < AT_ONCE
        assert "1 Anmeldung beendet" in proof
        assert "gemerkte Anmeldung gelöscht" in proof
        assert jitsi.focus.logins_of(who.username) == []
        browser.close()
    browser.switch_to.window(panel_window)


@pytest.mark.parametrize(("version", "transport"), [(OLDER, "websocket"), (NEWER, "bosh")])
def test_knocking(browser: Chrome, version: str, transport: str, tmp_path: Path) -> None:
    """Two are admitted by one message, one comes in when the lobby ends, and one has the password."""
    who, room = IssuedCredential(Username("anna"), "any"), room_jid("sprechstunde")
    with run_jitsi(make_prosody(version, tmp_path)) as jitsi, serve_pages() as pages:
        browser.get(f"{pages}/meeting.html")
        meeting = MeetingPage(browser, browser.current_window_handle, jitsi.prosody)
        for name in ("host", "ada", "ben", "cem", "dora"):
            meeting.enter(name, transport)
        meeting.lead("host", who, room)
        await_true(browser, lambda: meeting.role("host") == "moderator")
        protected = {"muc#roomconfig_membersonly": "1", "muc#roomconfig_roomsecret": "Igel-Kuchen-7"}
        assert meeting.submit_form("host", room, protected) is None
        refusals = [meeting.knock(name, room) for name in ("ada", "ben", "cem")]
        assert (
            refusals
            == [{"error": "registration-required", "text": "", "lobby": room.replace(MEETINGS, LOBBY)}] * 3
        )
        meeting.admit("host", room, ["ada", "ben"])
        assert [meeting.enter_from_lobby(name, room) for name in ("ada", "ben")] == [None, None]
        assert meeting.join("dora", room, "Igel-Kuchen-7") is None
        open_again = {"muc#roomconfig_membersonly": "0", "muc#roomconfig_roomsecret": ""}
        assert meeting.submit_form("host", room, open_again) is None
        assert meeting.enter_from_lobby("cem", room) is None
        assert {meeting.role(name) for name in ("ada", "ben", "cem", "dora")} == {"participant"}
        assert meeting.notices(["ada", "cem"]) == {"ada": [], "cem": []}
        refusal = meeting.submit_form("ada", room, protected)
        assert refusal is not None
        assert refusal["error"] == "forbidden"

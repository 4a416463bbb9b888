"""The head of a school blocks at night with a code; a clerk at the telephone reports and suspends."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import MisuseReport, Role, Suspension
from tests.support.factories import make_code, make_organiser, make_school
from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.server import AT_ONCE, Jitsi, assert_told, ends_of, open_jitsi
from tests.support.login_server import login, newer_first
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server

_MOST_TABS = 60


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages say in one language."""

    language: str
    code: str
    username: str
    words: str
    block: str
    blocked: str
    carried_out: str
    on_overview: str
    open_report: str
    by_code: str
    new_code: str
    make_code: str
    done: str
    reports: str
    reinstate: str
    lifted: str
    result: str
    close: str
    closed: str
    report: str
    report_and_suspend: str
    suspended: str


GERMAN = Words(
    language="de",
    code="Code, vom Deckblatt oder vom Medienzentrum",
    username="Anmeldename des Zugangs",
    words="Was ist geschehen?",
    block="Jetzt sperren und melden",
    blocked="ist gesperrt",
    carried_out="ist abgemeldet, und dessen Videokonferenzen sind beendet",
    on_overview="gesperrt mit dem Code der Schulleitung",
    open_report="Meldung öffnen",
    by_code="Die Schulleitung hat mit einem Code gesperrt",
    new_code="Neuer Code für die Schulleitung",
    make_code="Neuen Code erstellen",
    done="Fertig",
    reports="Missbrauch",
    reinstate="Entsperren",
    lifted="ist entsperrt",
    result="es war Missbrauch",
    close="Abschließen",
    closed="Die Meldung ist abgeschlossen.",
    report="Missbrauch melden",
    report_and_suspend="Melden und sperren",
    suspended="ist gesperrt",
)
ENGLISH = Words(
    language="en",
    code="Code, from the cover sheet or from the media centre",
    username="Login name of the access",
    words="What happened?",
    block="Block now and report",
    blocked="is blocked",
    carried_out="is logged out, and their meetings have ended",
    on_overview="blocked with the code of the head of the school",
    open_report="Open the report",
    by_code="The head of the school has blocked with a code",
    new_code="New code for the head of the school",
    make_code="Make a new code",
    done="Done",
    reports="Misuse",
    reinstate="Reinstate",
    lifted="is lifted",
    result="it was misuse",
    close="Close",
    closed="The report is closed.",
    report="Report misuse",
    report_and_suspend="Report and suspend",
    suspended="is suspended",
)
SWITCH = {"de": "Deutsch", "en": "English"}


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """Panel and auth service over one database."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        panel_server.service.start()
        make_school(panel_server.database)
        yield panel_server


@pytest.fixture(name="jitsi", scope="module")
def run_jitsi(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, panel_server: PanelServer
) -> Iterator[Jitsi]:
    """A Prosody with the parts of Jitsi that asks that service."""
    with open_jitsi(request.param, tmp_path_factory.mktemp("jitsi"), panel_server.service) as jitsi:
        yield jitsi


def told(jitsi: Jitsi, credential: IssuedCredential) -> str:
    """How a login ends, over WebSocket as Jitsi does it."""
    return asyncio.run(login(jitsi.prosody, "websocket", credential.username, credential.password))


def clerk_sits_down(panel_browser: PanelBrowser, panel_server: PanelServer, words: Words) -> None:
    """Signs in, and reads that language."""
    panel_browser.sign_in(panel_server.enrol(Role.CLERK))
    panel_browser.press(SWITCH[words.language])


def press_block(panel_browser: PanelBrowser) -> float:
    """Presses the button of the report page; returns the moment of the click."""
    with panel_browser.next_page():
        clicked = time.monotonic()
        panel_browser.browser.find_element(By.CSS_SELECTOR, "main form button").click()
    return clicked


async def block_during_a_meeting(
    jitsi: Jitsi, panel_browser: PanelBrowser, credential: IssuedCredential
) -> float:
    """Blocks an organiser who leads a meeting with a pupil; returns after how long everybody is out."""
    room = room_jid(f"abends-{credential.username}")
    async with jitsi.participants() as participants:
        leader = await participants.organiser(credential, room, "websocket")
        pupil = await participants.pupil(room)
        tablet = await participants.tablet(credential, "bosh")
        clicked, notices, ends = await asyncio.gather(
            asyncio.to_thread(press_block, panel_browser),
            assert_told([leader.seats[room]], [pupil.seats[room]]),
            ends_of([leader, tablet]),
        )
        await jitsi.until_gone(room)
        return max(each.at for each in [*notices, *ends]) - clicked


@pytest.mark.realtime
@newer_first("jitsi")
@pytest.mark.parametrize("words", [pytest.param(GERMAN, marks=pytest.mark.soak), ENGLISH])
def test_at_night_the_code_and_in_the_morning_the_clerk(
    jitsi: Jitsi, panel_server: PanelServer, panel_browser: PanelBrowser, words: Words
) -> None:
    """Within a second the account is out of Jitsi; the clerk finds it, issues a new code, and lifts it."""
    credential = make_organiser(panel_server.database)
    code = make_code(
        panel_server.database, today=utc_now().date(), keyed_hashes=panel_server.services.keyed_hashes
    )
    panel_browser.browser.delete_all_cookies()
    panel_browser.open(f"/report?language={words.language}")
    panel_browser.type(words.code, code.upper())
    panel_browser.type(words.username, credential.username)
    panel_browser.type(words.words, "Lärm in der Konferenz")
    took = asyncio.run(block_during_a_meeting(jitsi, panel_browser, credential))
    assert took < AT_ONCE, took
    assert panel_browser.title.replace("\n", " ") == f"{credential.username} {words.blocked}"
    assert words.carried_out in panel_browser.text
    assert panel_browser.browser.get_cookies() == []
    assert told(jitsi, credential) == "account-disabled"

    clerk_sits_down(panel_browser, panel_server, words)
    panel_browser.open("/")
    assert words.on_overview in panel_browser.text
    panel_browser.press(words.open_report)
    assert words.by_code in panel_browser.text
    assert "Lärm in der Konferenz" in panel_browser.text
    report = panel_browser.path
    panel_browser.press(words.new_code)
    panel_browser.press(words.make_code)
    new_code = panel_browser.text_of(".secret").strip()
    assert new_code != code
    panel_browser.press(words.done)
    panel_browser.browser.back()
    assert new_code not in panel_browser.text_of("body")

    panel_browser.open(report)
    panel_browser.press(words.reinstate)
    assert words.lifted in panel_browser.text
    assert told(jitsi, credential) == "success"
    panel_browser.choose(words.result)
    panel_browser.press(words.close)
    assert words.closed in panel_browser.text
    panel_browser.open("/")
    assert words.on_overview not in panel_browser.text


def press_keys(panel_browser: PanelBrowser, *keys: str) -> None:
    """Presses keys, wherever the focus is."""
    ActionChains(panel_browser.browser).send_keys(*keys).perform()


def tab_to(panel_browser: PanelBrowser, name: str) -> None:
    """Presses the tabulator until the focus is on what has that name."""
    for _ in range(_MOST_TABS):
        focused = panel_browser.browser.switch_to.active_element
        if focused.accessible_name.startswith(name):
            return
        press_keys(panel_browser, Keys.TAB)
    pytest.fail(f"no way to {name} by keyboard")


@pytest.mark.parametrize("words", [GERMAN, pytest.param(ENGLISH, marks=pytest.mark.soak)])
def test_a_report_by_telephone_suspends_while_they_speak(
    panel_server: PanelServer, panel_browser: PanelBrowser, words: Words
) -> None:
    """By keyboard alone: search, report, a few words, suspend; both have the moment of that key."""
    credential = make_organiser(panel_server.database)
    clerk_sits_down(panel_browser, panel_server, words)
    panel_browser.open("/")
    with panel_browser.next_page():
        press_keys(panel_browser, credential.username, Keys.ENTER)
    tab_to(panel_browser, words.report)
    with panel_browser.next_page():
        press_keys(panel_browser, Keys.ENTER)
    press_keys(panel_browser, "Passwort hängt am Brett")
    tab_to(panel_browser, words.report_and_suspend)
    before = utc_now()
    with panel_browser.next_page():
        press_keys(panel_browser, Keys.ENTER)
    assert f"{credential.username} {words.suspended}" in panel_browser.text
    with panel_server.database.read_session() as session:
        report = session.scalars(select(MisuseReport).order_by(MisuseReport.id.desc())).first()
        assert report is not None
        suspension = session.get_one(Suspension, report.suspension_id)
    assert report.description == "Passwort hängt am Brett"
    assert before <= suspension.since == report.at <= utc_now()

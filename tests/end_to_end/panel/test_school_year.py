"""The school year turns for a school with 12 accesses of which 8 stay, in a real browser, both languages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy import select

from authbridge.clock import utc_now
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import Organiser, Role
from tests.support.factories import (
    ACTOR,
    HASHER,
    make_attempt,
    make_origin,
    make_school,
    make_services,
)
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server


@dataclass(frozen=True, slots=True)
class Words:
    """What the panel says in one language; ``{day}`` is a day as it writes it."""

    reminder: str
    change: str
    new_passwords: str
    foretell: str
    nothing_done: str
    carry_out: str
    done: str
    report: str
    day: str


WORDS = {
    "Deutsch": Words(
        reminder="12 Zugänge laufen am {day} ab, in 14 Tagen.",
        change="Schuljahreswechsel",
        new_passwords="Neue Passwörter, jeweils mit einem Brief",
        foretell="Zeigen, was geschehen wird",
        nothing_done="Noch ist nichts geschehen.",
        carry_out="Jetzt ausführen und 8 Zugangsbriefe machen",
        done="Fertig",
        report="Bericht zum Schuljahreswechsel",
        day="%d.%m.%Y",
    ),
    "English": Words(
        reminder="12 accesses run out on {day}, in 14 days.",
        change="Change of the school year",
        new_passwords="New passwords, with a letter for each",
        foretell="Show what will happen",
        nothing_done="Nothing has been done yet.",
        carry_out="Carry it out and make 8 letters",
        done="Done",
        report="Report of the change of the school year",
        day="%-d %b %Y",
    ),
}


@pytest.fixture(name="panel_server")
def run_panel_server(tmp_path: Path, sqlite_template: Path) -> Iterator[PanelServer]:
    """A panel that runs."""
    with open_panel_server(tmp_path, sqlite_template) as panel_server:
        yield panel_server


@pytest.fixture(name="issued")
def issue_twelve(panel_server: PanelServer) -> list[IssuedCredential]:
    """A school with 12 accesses, which run out in two weeks."""
    today = utc_now().astimezone(panel_server.services.timezone).date()
    make_school(panel_server.database)
    passwords = organisers.make_passwords(12, HASHER)
    with panel_server.database.write_session() as session:
        return organisers.issue_organisers(
            session, "ohg", passwords, valid_until=today + timedelta(days=14), actor=ACTOR, now=utc_now()
        )


def ends(panel_server: PanelServer) -> dict[str, date | None]:
    """The last day of each access."""
    with panel_server.database.read_session() as session:
        return {each.username: each.valid_until for each in session.scalars(select(Organiser))}


def verdict(panel_server: PanelServer, username: str, password: str) -> str:
    """What a login is answered."""
    services = make_services(
        panel_server.database, clock=utc_now, keyed_hashes=panel_server.services.keyed_hashes
    )
    return authenticate(make_attempt(username, password), make_origin(), services, within=9).verdict


@pytest.mark.parametrize("language", ["Deutsch", pytest.param("English", marks=pytest.mark.soak)])
def test_eight_of_twelve_stay_with_new_passwords_in_one_pile_of_letters(
    panel_browser: PanelBrowser, panel_server: PanelServer, issued: list[IssuedCredential], language: str
) -> None:
    """From the reminder to the report; the old passwords go on beside the new ones, and 4 run out."""
    words, names = WORDS[language], [str(each.username) for each in issued]
    (soon,) = set(ends(panel_server).values())
    assert soon is not None
    panel_browser.sign_in(panel_server.enrol(Role.CLERK))
    panel_browser.press(language)
    assert words.reminder.format(day=soon.strftime(words.day)) in panel_browser.text
    panel_browser.press(words.change)
    for box in panel_browser.browser.find_elements(By.NAME, "stay")[8:]:
        box.click()
    panel_browser.choose(words.new_passwords)

    panel_browser.press(words.foretell)

    assert words.nothing_done in panel_browser.text
    assert all(name in panel_browser.text for name in names)
    assert set(ends(panel_server).values()) == {soon}
    panel_browser.press(words.carry_out)
    panel_browser.await_element("form[action$='/done']")
    found = panel_browser.browser.find_elements(By.CSS_SELECTOR, ".secrets td:nth-child(2) .code")
    passwords = [each.text for each in found]
    paper = panel_browser.fetch(f"{panel_browser.path}/letters.pdf").paper
    assert len(paper) == len(passwords) == 8
    assert all(
        name in sheet and password in sheet
        for name, password, sheet in zip(names[:8], passwords, paper, strict=True)
    )

    panel_browser.press(words.done)

    assert panel_browser.title == words.report
    assert [each.text for each in panel_browser.browser.find_elements(By.CSS_SELECTOR, ".groups span")] == [
        "8", "4",
    ]  # fmt: skip
    after = ends(panel_server)
    (stay,) = {after[name] for name in names[:8]}
    assert stay is not None
    assert stay > soon
    assert {after[name] for name in names[8:]} == {soon}
    assert verdict(panel_server, names[0], passwords[0]) == "granted"
    assert verdict(panel_server, names[0], issued[0].password) == "granted"
    panel_browser.open("/")
    assert words.reminder.partition(" ")[2].format(day=soon.strftime(words.day)) not in panel_browser.text

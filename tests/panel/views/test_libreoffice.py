"""What LibreOffice makes of our tables comes back unharmed, however it is saved."""

import csv
import io
from datetime import date
from io import BytesIO

import pytest
from sqlalchemy import select

from authbridge.login.typed_passwords import StoredPassword, parse_password
from authbridge.schools.commands import schools
from authbridge.storage.models import Organiser, Role
from tests.support.factories import ACTOR, HASHER, make_school
from tests.support.fakes import MORNING
from tests.support.libreoffice import LibreOffice, SavedCsv
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

FORMS = [
    SavedCsv(";", "76"),  # UTF-8
    SavedCsv(",", "ANSI", quote_all=True),  # Windows-1252
    SavedCsv("\t", "65535"),  # UTF-16
]


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser."""
    make_school(panel.database)
    return panel.browser(Role.CLERK)


@pytest.fixture(name="libreoffice", scope="module")
def start_libreoffice(tmp_path_factory: pytest.TempPathFactory) -> LibreOffice:
    """A user of LibreOffice, for all tests of the file."""
    return LibreOffice(tmp_path_factory.mktemp("libreoffice"))


def send(browser: Browser, content: bytes, kind: str) -> Page:
    """Chooses a file and sends it."""
    return browser.send(browser.get(f"/import/{kind}"), table=(BytesIO(content), "table.csv"))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Es gibt nichts zu ändern: 5 Schulen"),
        pytest.param("en", "There is nothing to change: 5 schools", marks=pytest.mark.soak),
    ],
)
def test_the_list_of_schools_says_nothing_new(
    panel: StaffedPanel, browser: Browser, libreoffice: LibreOffice, language: str, said: str
) -> None:
    """Numbers, leading zeros, days, umlauts, names like formulas, separators, quotation marks."""
    names = {"0123": "=1+1", "1e5": '-Straße; „Süd“, "Nord"', "007": "12/3", "50": "'s Haus"}
    details = schools.SchoolDetails(
        street="+49 Weg 1",
        place="01067 Dresden",
        mailbox="office@schule.example",
        contract_on=date(2026, 9, 1),
        trusted_networks=["10.1.0.0/16", "2001:db8::/48"],
        quota=7,
    )
    with panel.database.write_session() as session:
        for code, name in names.items():
            schools.add_school(session, code, name, **details, actor=ACTOR, now=MORNING)
    browser.headers["Accept-Language"] = language
    workbook = libreoffice.open_and_save(browser.fetch("/tables/schools.csv").data)
    for form in FORMS:
        page = send(browser, libreoffice.save_as(workbook, form), "schools")
        assert said in page.text, (form, page.text)


@pytest.mark.parametrize(
    "form", [FORMS[0], *(pytest.param(form, marks=pytest.mark.soak) for form in FORMS[1:])]
)
def test_new_credentials_come_back_with_their_passwords(
    panel: StaffedPanel, browser: Browser, libreoffice: LibreOffice, form: SavedCsv
) -> None:
    """The table that the panel offers once, saved by LibreOffice, is one of existing credentials."""
    page = browser.send(browser.get("/schools/ohg/issue"), count="3", valid_until="31.07.2028", no_end="")
    content = browser.fetch(f"{page.path}/table.csv").data
    with panel.database.write_session() as session:
        session.query(Organiser).delete()

    page = send(browser, libreoffice.save_as(libreoffice.open_and_save(content), form), "organisers")
    browser.send(page, f"{page.path}/run")
    with panel.database.read_session() as session:
        found = {each.username: each for each in session.scalars(select(Organiser))}
    assert {each.valid_until for each in found.values()} == {date(2028, 7, 31)}
    for _school, username, password, _end in list(csv.reader(io.StringIO(content.decode()), delimiter=";"))[
        1:
    ]:
        stored = StoredPassword(found[username].password_hash, generated=False)
        assert HASHER.matches(parse_password(password), stored)

"""Eight accesses for the head of a school, from the mail that asks for them to the envelope on paper."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from authbridge.storage.models import Role
from tests.end_to_end.panel.test_stories import ENGLISH, GERMAN, Words, add_school, fill_in_order
from tests.support.panel_browser import PanelBrowser, PanelServer, open_panel_server

_NUMBER = 8
_SLIPS = 4  # a page
_CODE = r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b"

_CHOICES = {
    "de": (
        "Umschlag für die Schulleitung, mit Zetteln zum Ausschneiden (vier auf einer Seite)",
        "Mit dem Informationsblatt zum Datenschutz (nur im Umschlag)",
        "ausgabeliste",
    ),
    "en": (
        "Envelope for the head of the school, with slips to cut out (four a page)",
        "With the information sheet on data protection (only in an envelope)",
        "hand-out list",
    ),
}


@pytest.fixture(name="panel_server", scope="module")
def run_panel_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PanelServer]:
    """A panel that runs."""
    with open_panel_server(tmp_path_factory.mktemp("office"), sqlite_template) as panel_server:
        yield panel_server


@pytest.mark.parametrize(
    ("words", "language", "code"),
    [
        pytest.param(GERMAN, "de", "wald", id="German"),
        pytest.param(ENGLISH, "en", "fluss", id="English", marks=pytest.mark.soak),
    ],
)
def test_eight_accesses_lie_in_one_envelope(
    panel_browser: PanelBrowser, panel_server: PanelServer, words: Words, language: str, code: str
) -> None:
    """The register has every name and no password, each password is on one slip, the code on the cover."""
    slips, information, register = _CHOICES[language]
    panel_browser.sign_in(panel_server.enrol(Role.CLERK))
    panel_browser.press(words.language)
    add_school(panel_browser, words, code, "Schule am Wald")
    panel_browser.press(words.issue_access)
    panel_browser.choose(slips)
    panel_browser.choose(information)

    passwords = fill_in_order(panel_browser, words, _NUMBER)

    pages = panel_browser.fetch(f"{panel_browser.path}/letters.pdf").paper
    names = {name for page in pages for name in re.findall(rf"\b{code}-[a-z]{{4}}\b", page)}
    assert len(names) == _NUMBER
    with_passwords = [page for page in pages if any(password in page for password in passwords)]
    assert [sum(password in page for password in passwords) for page in with_passwords] == [_SLIPS] * 2
    assert all(sum(password in page for page in pages) == 1 for password in passwords)
    listed = [page for page in pages if register in page.lower() and page not in with_passwords]
    assert all(any(name in page for page in listed) for name in names)
    (one_time_code,) = set(re.findall(_CODE, pages[0]))
    assert one_time_code not in passwords
    assert not any(one_time_code in page for page in pages[1:])
    assert one_time_code not in panel_browser.text

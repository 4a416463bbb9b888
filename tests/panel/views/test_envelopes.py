"""An envelope for the head of a school instead of letters alone: ordered in the form, offered once."""

import io
import logging
import re

import pytest
from pypdf import PdfReader

from authbridge.storage.models import Role
from tests.support.factories import make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

CODE = re.compile(r"^([a-z]{4}-[a-z]{4}-[a-z]{4})$", re.MULTILINE)
REPORT = "https://kmz.example.org/report"


@pytest.fixture(name="reporting")
def open_reporting_panel(panel_factory: PanelFactory) -> StaffedPanel:
    """Opens a panel whose envelopes carry a code; there is a school."""
    panel = panel_factory.open(AUTHBRIDGE_REPORT_URL=REPORT)
    make_school(panel.database)
    return panel


def order(browser: Browser, **typed: str) -> Page:
    """Orders new accounts, perhaps in an envelope."""
    return browser.send(browser.get("/schools/ohg/issue"), **typed)


def pages_of(browser: Browser, page: Page) -> list[str]:
    """Returns the words of the printed pages."""
    assert page.path.startswith("/credentials/"), page.errors()
    answer = browser.fetch(f"{page.path}/letters.pdf")
    return [each.extract_text() for each in PdfReader(io.BytesIO(answer.data)).pages]


@pytest.mark.parametrize(
    ("shape", "language", "sign"),
    [("slips", "de", "Zettel 5 von 5"), ("letters", "en", "letter 5 of 5")],
)
def test_an_envelope_is_a_choice_of_the_form(
    reporting: StaffedPanel, shape: str, language: str, sign: str
) -> None:
    """One PDF with cover, terms, register, slips or letters, and the information sheet if it was ticked."""
    browser = reporting.browser(Role.CLERK)
    browser.headers["Accept-Language"] = language
    page = order(browser, count="5", shape=shape, language=language, information="y")
    pages = pages_of(browser, page)

    assert ("Umschlag (PDF)" if language == "de" else "Envelope (PDF)") in page.text
    assert ("einseitig" if language == "de" else "cover sheet") in page.text
    assert REPORT in pages[0]
    assert any(sign in " ".join(text.split()) for text in pages)
    assert ("DSGVO" if language == "de" else "GDPR") in pages[-1]
    shown = [each.get_text(strip=True) for each in page.html.select(".secrets .code")]
    assert all(any(each in text for text in pages) for each in shown)
    assert (len(pages)) == (3 + 2 + 1 if shape == "slips" else 3 + 5 + 1)


def test_without_a_tick_there_is_no_information_sheet(reporting: StaffedPanel) -> None:
    """And letters alone have none, ticked or not."""
    browser = reporting.browser(Role.CLERK)

    assert len(pages_of(browser, order(browser, shape="slips"))) == 4
    assert len(pages_of(browser, order(browser, shape="alone", information="y"))) == 1


@pytest.mark.parametrize(
    ("language", "words"), [("de", "für Großdruck zu klein"), ("en", "too small for large print")]
)
def test_slips_in_large_print_are_refused(reporting: StaffedPanel, language: str, words: str) -> None:
    """Beside the field, before anything is issued, with what was typed."""
    browser = reporting.browser(Role.CLERK)
    browser.headers["Accept-Language"] = language
    page = order(browser, count="3", shape="slips", size="large")

    assert page.status == 422
    assert words in page.error_at("size")
    assert page.fields["shape"] == "slips"
    assert reporting.rows()["organisers"] == []


def test_several_new_passwords_come_in_an_envelope_too(reporting: StaffedPanel) -> None:
    """The cover says that the former ones do not work any more."""
    browser = reporting.browser(Role.CLERK)
    order(browser, count="2")
    page = browser.get("/selection/reset?all=1&school=ohg")
    page = browser.send(page, "/selection/reset", shape="letters", language="en")

    assert "2 new passwords for video conferences" in pages_of(browser, page)[0]


def test_one_new_password_comes_in_an_envelope_too(reporting: StaffedPanel) -> None:
    """The form of a single organiser offers what the form of several offers."""
    browser = reporting.browser(Role.CLERK)
    order(browser)
    (organiser,) = reporting.rows()["organisers"]
    username = next(each for each in organiser if isinstance(each, str) and each.startswith("ohg"))
    page = browser.send(browser.get(f"/organisers/{username}/reset"), shape="letters", language="en")

    pages = pages_of(browser, page)
    assert len(pages) > 1, "the letter alone"
    assert "new password for video conferences" in pages[0].lower()


def test_the_code_is_on_the_paper_alone(reporting: StaffedPanel, caplog: pytest.LogCaptureFixture) -> None:
    """The database has its hash; no log, page or ``repr`` has it, and it is wiped with the passwords."""
    caplog.set_level(logging.DEBUG)
    browser = reporting.browser(Role.CLERK)
    page = order(browser, shape="slips")
    (code,) = CODE.findall(pages_of(browser, page)[0])
    (row,) = reporting.rows()["report_codes"]
    (handout,) = reporting.parts.handouts.all(now=reporting.clock())

    assert reporting.parts.keyed_hashes.report_code(code) in row
    told = [str(reporting.rows()), caplog.text, repr(reporting), repr(handout), page.text]
    assert not [each for each in told if code in each or code.replace("-", "") in each]
    browser.send(page, f"{page.path}/done")
    assert handout.envelope is None


def test_without_an_address_there_is_no_code(panel_factory: PanelFactory) -> None:
    """An envelope whose page nobody can open says nothing of a code, and none is noted."""
    panel = panel_factory.open(AUTHBRIDGE_PANEL_URL="")
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)

    cover = pages_of(browser, order(browser, shape="slips"))[0]
    assert "Code" not in cover
    assert panel.rows()["report_codes"] == []

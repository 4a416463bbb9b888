"""German and English: preferred by the browser, or chosen; every sentence exists in both."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from authbridge.storage.models import Role
from authbridge.synthetic_login.alerts import GERMAN
from authbridge.synthetic_login.outcomes import SENTENCES
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel

ROOT = Path(__file__).parents[3]
ADMIN = ROOT / "admin"
LOGIN_PAGE = ROOT / "authbridge" / "login_page"
PLACES = re.compile(r"%\((\w+)\)s")
_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}

# What only an operator at a terminal, or the login service, ever reads.
_NOT_IN_THE_PANEL = {"cli", "installation", "simulation", "migrations", "letters"}
# Of a ConfigError and a StorageError, staff read a plainer sentence; the others reach Prosody or root.
_NOT_FOR_STAFF = {
    "BackupError",
    "ConfigError",
    "ImportFileError",
    "MailError",
    "MalformedError",
    "MendingError",
    "NoPlaceError",
    "PageError",
    "ProgramError",
    "ReportError",
    "StorageError",
    "UnreadableFileError",
    "ValueError",
}
_SHOWN = {"N_", "Remark"}


@dataclass(frozen=True, slots=True)
class Translated:
    """The German catalogue of an application, its folder, and every sentence that the application says."""

    folder: Path
    catalog: Catalog
    said: set[str]


@pytest.fixture(name="translated", scope="module", params=[ADMIN, LOGIN_PAGE], ids=["panel", "login page"])
def read_translations(request: pytest.FixtureRequest) -> Translated:
    """Reads those of the panel, or of the login page."""
    said = extracted(request.param) | (set(raised()) if request.param is ADMIN else set())
    return Translated(request.param, read_catalog(request.param), said)


def read_catalog(application: Path) -> Catalog:
    """Reads the German catalogue."""
    with (application / "translations/de/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="de")


def extracted(application: Path) -> set[str]:
    """Returns every sentence of the application's own files."""
    found = extract_from_dir(str(application), _METHODS, keywords=_KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _file, _line, message, *_ in found}


def raised() -> Iterator[str]:
    """Yields every sentence of an error that staff may read, and those that are marked to be shown."""
    for folder in (ADMIN, ROOT / "authbridge"):
        for path in folder.rglob("*.py"):
            if not _NOT_IN_THE_PANEL & set(path.relative_to(folder).parts):
                yield from _sentences(ast.parse(path.read_text()))


def _sentences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            sentence = node.args[0]
            is_ours = node.func.id.endswith("Error") and node.func.id not in _NOT_FOR_STAFF
            if (is_ours or node.func.id in _SHOWN) and isinstance(sentence, ast.Constant):
                yield str(sentence.value)


def choose(browser: Browser, language: str) -> None:
    """Presses the button of that language at the foot of the page."""
    page = browser.get("/sign-in")
    page = browser.send(page, "/language", language=language)
    assert page.status == 200


def lang(browser: Browser, path: str = "/sign-in") -> str:
    """Returns the language that the page declares."""
    html = browser.get(path).html.find("html")
    return "" if html is None else str(html["lang"])


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        ("de", "de"),
        ("en", "en"),
        ("en-GB,en;q=0.9,de;q=0.1", "en"),
        ("de-AT,en;q=0.5", "de"),
        ("fr", "de"),
        ("fr,en;q=0.2", "en"),
        ("", "de"),
        ("*", "de"),
        ("x" * 5000, "de"),
    ],
)
def test_the_browser_says_which(panel: StaffedPanel, preferred: str, expected: str) -> None:
    """The browser's preference decides; without one, the page is German."""
    browser = panel.browser()
    browser.headers["Accept-Language"] = preferred
    assert lang(browser) == expected


@pytest.mark.parametrize(("preferred", "chosen"), [("de", "en"), ("en", "de")])
def test_who_chooses_keeps_it(panel: StaffedPanel, preferred: str, chosen: str) -> None:
    """The choice holds in this browser, signed in or not."""
    browser = panel.browser()
    browser.headers["Accept-Language"] = preferred
    choose(browser, chosen)
    browser.sign_in(panel.members[Role.CLERK])
    assert lang(browser, "/") == chosen
    browser.press("/", "/sign-out")
    assert lang(browser) == chosen


def test_the_switch_leads_back_to_the_same_page(panel: StaffedPanel) -> None:
    """The address is kept with its query."""
    browser = panel.browser(Role.CLERK)
    page = browser.get("/organisers?q=ohg&state=active")
    assert browser.send(page, "/language", language="de").path == "/organisers?q=ohg&state=active"


@pytest.mark.parametrize("language", ["", "fr", "../../etc", "DE"])
def test_no_other_language_can_be_chosen(panel: StaffedPanel, language: str) -> None:
    """No other language can be chosen, by the form or by the cookie."""
    browser = panel.browser()
    answer = browser.send_raw(browser.get("/sign-in"), "/language", follow=False, language=language)
    assert answer.status_code == 400
    browser.put_cookie("__Host-authbridge-language", language or "x")
    assert lang(browser) == "en"


def test_errors_are_said_in_the_language_of_the_page(panel: StaffedPanel) -> None:
    """Errors of the libraries are translated too, and have no jargon."""
    browser = panel.browser(Role.CLERK)
    wrong = {"code": "?", "name": "x" * 201, "quota": "many", "contract_on": "never", "mailbox": "@"}
    english = browser.send(browser.get("/schools/add"), **wrong).errors()
    browser.headers["Accept-Language"] = "de"
    page = browser.send(browser.get("/schools/add"), **wrong)
    assert len(page.errors()) == len(english)
    assert not set(page.errors()) & set(english)
    assert not [
        each for each in page.errors() + english if re.search(r"(?i)integer|ganzzahl|valid(e|ier)", each)
    ]


def test_every_sentence_is_translated(translated: Translated) -> None:
    """No sentence of the panel, of the domain's errors or of the login page lacks its German."""
    in_german = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in translated.catalog
        if message.id and message.string and all(message.string) and not message.fuzzy
    }
    assert not sorted(translated.said - in_german)


def test_nothing_is_translated_that_is_not_said(translated: Translated) -> None:
    """The catalogue has no sentence that the code does not have."""
    listed = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in translated.catalog
        if message.id
    }
    assert not sorted(listed - translated.said)


def test_translations_have_the_places_of_their_sentences(translated: Translated) -> None:
    """A translation has the placeholders of its sentence."""
    for message in translated.catalog:
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        german = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.id:
            places = {place for each in english for place in PLACES.findall(each)}
            assert {place for each in german for place in PLACES.findall(each)} <= places, message.id
            assert set(PLACES.findall(german[-1])) == set(PLACES.findall(english[-1])), message.id


def test_the_compiled_catalogue_is_that_of_the_text(translated: Translated) -> None:
    """The compiled catalogue has the sentences of the text."""
    fresh = BytesIO()
    write_mo(fresh, translated.catalog)
    fresh.seek(0)
    with (translated.folder / "translations/de/LC_MESSAGES/messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {repr(message.id): message.string for message in compiled} == {
        repr(message.id): message.string for message in read_mo(fresh)
    }


def test_a_mail_says_of_a_synthetic_login_what_the_panel_says() -> None:
    """The mail is written where there is no panel, so its German sentences stand there once more."""
    catalog = read_catalog(ADMIN)
    for outcome, sentence in SENTENCES.items():
        assert catalog[sentence.sentence].string == GERMAN[outcome]

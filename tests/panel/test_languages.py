"""German and English: asked for by the browser, or chosen; every sentence is there in both."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from authbridge.storage.models import Role
from tests.panel.browsing import Browser
from tests.panel.conftest import Office

ROOT = Path(__file__).parents[2]
ADMIN = ROOT / "admin"
CATALOG = ADMIN / "translations" / "de" / "LC_MESSAGES"
PLACES = re.compile(r"%\((\w+)\)s")
_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}

# What only an operator at a terminal, or the login service, ever reads.
_NOT_IN_THE_PANEL = {"cli", "simulation", "migrations", "letters"}
# Of a ConfigError and a StorageError, staff read a plainer sentence; the last two reach Prosody or nobody.
_NOT_FOR_STAFF = {"ConfigError", "ImportFileError", "StorageError", "MalformedError", "ValueError"}


@pytest.fixture(name="catalog", scope="module")
def read_catalog() -> Catalog:
    """The German sentences."""
    with (CATALOG / "messages.po").open("rb") as file:
        return read_po(file, locale="de")


def extracted() -> set[str]:
    """Every sentence of the panel's own files."""
    found = extract_from_dir(str(ADMIN), _METHODS, keywords=_KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _file, _line, message, *_ in found}


def raised() -> Iterator[str]:
    """Every sentence with which an error is raised for the person in front of the screen."""
    for folder in (ADMIN, ROOT / "authbridge"):
        for path in folder.rglob("*.py"):
            if not _NOT_IN_THE_PANEL & set(path.relative_to(folder).parts):
                yield from _sentences(ast.parse(path.read_text()))


def _sentences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            sentence = node.args[0]
            is_ours = node.func.id.endswith("Error") and node.func.id not in _NOT_FOR_STAFF
            if is_ours and isinstance(sentence, ast.Constant):
                yield str(sentence.value)


def choose(browser: Browser, language: str) -> None:
    """Presses the switch at the foot of the page."""
    page = browser.get("/sign-in")
    page = browser.send(page, "/language", language=language)
    assert page.status == 200


def lang(browser: Browser, path: str = "/sign-in") -> str:
    """What the page says of itself."""
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
def test_the_browser_says_which(office: Office, preferred: str, expected: str) -> None:
    """German where it prefers neither."""
    browser = office.browser()
    browser.headers["Accept-Language"] = preferred
    assert lang(browser) == expected


@pytest.mark.parametrize(("preferred", "chosen"), [("de", "en"), ("en", "de")])
def test_who_chooses_keeps_it(office: Office, preferred: str, chosen: str) -> None:
    """In this browser, before the sign-in, after it, and after the sign-out."""
    browser = office.browser()
    browser.headers["Accept-Language"] = preferred
    choose(browser, chosen)
    browser.sign_in(office.members[Role.CLERK])
    assert lang(browser, "/") == chosen
    browser.press("/", "/sign-out")
    assert lang(browser) == chosen


def test_the_switch_leads_back_to_the_same_page(office: Office) -> None:
    """With what it was asked for."""
    browser = office.browser(Role.CLERK)
    page = browser.get("/organisers?q=ohg&state=active")
    assert browser.send(page, "/language", language="de").path == "/organisers?q=ohg&state=active"


@pytest.mark.parametrize("language", ["", "fr", "../../etc", "DE"])
def test_no_other_language_can_be_chosen(office: Office, language: str) -> None:
    """Neither by the form nor by its cookie."""
    browser = office.browser()
    answer = browser.send_raw(browser.get("/sign-in"), "/language", follow=False, language=language)
    assert answer.status_code == 400
    browser.put_cookie("__Host-authbridge-language", language or "x")
    assert lang(browser) == "en"


def test_faults_are_said_in_the_language_of_the_page(office: Office) -> None:
    """Those of the libraries too, and without their jargon."""
    browser = office.browser(Role.CLERK)
    wrong = {"code": "?", "name": "x" * 201, "quota": "many", "contract_on": "never", "mailbox": "@"}
    english = browser.send(browser.get("/schools/add"), **wrong).faults()
    browser.headers["Accept-Language"] = "de"
    page = browser.send(browser.get("/schools/add"), **wrong)
    assert len(page.faults()) == len(english)
    assert not set(page.faults()) & set(english)
    assert not [
        each for each in page.faults() + english if re.search(r"(?i)integer|ganzzahl|valid(e|ier)", each)
    ]


def test_every_sentence_is_translated(catalog: Catalog) -> None:
    """Those of the panel and those that the domain raises; none is missing, empty or guessed."""
    translated = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalog
        if message.id and message.string and all(message.string) and not message.fuzzy
    }
    assert not sorted((extracted() | set(raised())) - translated)


def test_nothing_is_translated_that_is_not_said(catalog: Catalog) -> None:
    """A sentence that nobody says any more goes from the list."""
    listed = {
        message.id if isinstance(message.id, str) else message.id[0] for message in catalog if message.id
    }
    assert not sorted(listed - extracted() - set(raised()))


def test_translations_have_the_places_of_their_sentences(catalog: Catalog) -> None:
    """A name that is filled in is filled in on both sides."""
    for message in catalog:
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        german = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.id:
            places = {place for each in english for place in PLACES.findall(each)}
            assert {place for each in german for place in PLACES.findall(each)} <= places, message.id
            assert set(PLACES.findall(german[-1])) == set(PLACES.findall(english[-1])), message.id


def test_the_compiled_catalogue_is_that_of_the_text(catalog: Catalog) -> None:
    """Whoever changes a sentence compiles it."""
    fresh = BytesIO()
    write_mo(fresh, catalog)
    fresh.seek(0)
    with (CATALOG / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {repr(message.id): message.string for message in compiled} == {
        repr(message.id): message.string for message in read_mo(fresh)
    }

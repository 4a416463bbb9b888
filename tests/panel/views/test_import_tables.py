"""Tables of LibreOffice or by hand come in right, or are refused by line: in panel and command line alike.

``tests/support/tables`` holds four workbooks as flat ODF, and what LibreOffice 7.4.7 saved of each in three
forms.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import BytesIO
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.login.typed_passwords import StoredPassword, parse_password
from authbridge.storage.models import Organiser, Role, School
from tests.support.factories import HASHER, HOST, make_school
from tests.support.libreoffice import LibreOffice, SavedCsv
from tests.support.panel.staffed_panel import StaffedPanel
from workbench import ROOT

TABLES = ROOT / "tests/support/tables"
FORMS = {
    "semicolon-utf-8": SavedCsv(";", "76"),
    "comma-windows-1252-all-quoted": SavedCsv(",", "ANSI", quote_all=True),
    "tab-utf-16": SavedCsv("\t", "65535"),
}
KINDS = {"organiser": "organisers", "school": "schools"}  # a command, and the panel's page
END = date(2028, 7, 31)

CREDENTIALS = {
    "frau.a": ("ohg", 'Käse; "brot", 77', END),
    "herr.b": ("ohg", "0123", END),
    "frau.c": ("0815", "Straße ß €", None),
    "herr.d": ("mue", "=1+1", None),
    "frau.e": ("ohg", "ABC", None),
}
SCHOOLS = {
    "ohg": (
        *("Otto-Hahn-Gymnasium; „Süd“", "", "01067 Dresden", "office@ohg.example", 7, date(2026, 9, 1)),
        ["10.1.0.0/16", "2001:db8::/48"],
    ),
    "0123": ('=1+1, "Nord"', "WEG 1", "Ulm ß", "", 50, None, []),
    "lmg": ("Lise- Meitner-Schule", "", "", "", 50, None, []),
}
ERROR_VALUE = "There is an error of the spreadsheet in this line, such as #NAME? or ###."
FAULTS = {
    "organiser": [
        (3, "A login name has 2 to 64 of the characters"),
        (3, "The password is empty"),
        (4, ERROR_VALUE),
        (5, ERROR_VALUE),
        (5, "Please give a day such as 31.07.2028"),
        (6, "The password is a number that the spreadsheet has shortened."),
        (7, "The password is a word that spreadsheets write for yes or no."),
        (8, "The password begins or ends with a blank."),
        (8, "The access has expired already."),
        (8, "This login name stands in line 2 already."),
        (9, "The school is missing."),
    ],
    "school": [
        (2, ERROR_VALUE),
        (2, "This is no mail address"),
        (2, "“7.5” is no number of accounts."),
        (2, "Please give a day such as 31.07.2028"),
        (2, "“10.1” is no network"),
        (4, ERROR_VALUE),
        (5, "This school stands in line 4 already."),
        (6, "A school's code has 2 to 6"),
        (7, "A school's code has 2 to 6"),
    ],
}

Faults = list[tuple[int, str]]
Send = Callable[[bytes, str], Faults]


@pytest.fixture(name="send", params=["panel", "command line"])
def choose_way(request: pytest.FixtureRequest, panel: StaffedPanel, tmp_path: Path) -> Send:
    """Imports a table of that kind; returns its faults, none if it came in."""
    for code, name in (("ohg", "Otto-Hahn-Gymnasium"), ("0815", "Schule 0815"), ("mue", "Mühle „Süd“")):
        make_school(panel.database, code, name)
    return _by_panel(panel) if request.param == "panel" else _by_command(panel, tmp_path)


def _by_panel(panel: StaffedPanel) -> Send:
    browser = panel.browser(Role.CLERK)

    def send(content: bytes, kind: str) -> Faults:
        page = browser.get(f"/import/{KINDS[kind]}")
        page = browser.send(page, table=(BytesIO(content), "Tabelle.csv"))
        rows = page.html.select("section:has(#faults-title) tbody tr")
        cells = [[" ".join(each.get_text().split()) for each in row.select("th, td")] for row in rows]
        if not rows and f"{page.path}/run" in page.actions():
            browser.send(page, f"{page.path}/run")
        return [(int(line), sentence) for line, sentence in cells]

    return send


def _by_command(panel: StaffedPanel, folder: Path) -> Send:
    (folder / "secret").write_text("s" * 64)
    environ = {
        "AUTHBRIDGE_DATABASE_URL": panel.database.engine.url.render_as_string(hide_password=False),
        "AUTHBRIDGE_API_TOKEN_FILE": str(folder / "secret"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(folder / "secret"),
        "AUTHBRIDGE_XMPP_HOST": HOST,
        "AUTHBRIDGE_BCRYPT_COST": "4",
    }

    def run(content: bytes, *arguments: str) -> tuple[int, Faults]:
        operator = Operator(environ, clock=panel.clock)
        result = CliRunner().invoke(main, arguments, obj=operator, input=content)
        told = re.findall(r"^(?:Error: )?line ([0-9]+): (.*)$", result.stderr, re.MULTILINE)
        return result.exit_code, [(int(line), sentence) for line, sentence in told]

    def send(content: bytes, kind: str) -> Faults:
        before = panel.rows()
        rehearsed = run(content, kind, "import", "-", "--dry-run")
        assert panel.rows() == before
        code, faults = run(content, kind, "import", "-")
        assert rehearsed == (code, faults), "--dry-run finds what the import would find"
        assert code == bool(faults)
        return faults

    return send


def require_faults(found: Faults, expected: Sequence[tuple[int, str]]) -> None:
    """Compares faults by their lines and by how their sentences begin."""
    assert [
        (line, next((words for at, words in expected if at == line and sentence.startswith(words)), sentence))
        for line, sentence in found
    ] == list(expected)


def require_credentials(panel: StaffedPanel) -> None:
    """Compares what came in, and takes it away again."""
    with panel.database.write_session() as session:
        found = {each.username: each for each in session.scalars(select(Organiser))}
        assert {name: (each.school.code, each.valid_until) for name, each in found.items()} == {
            name: (code, last_day) for name, (code, _password, last_day) in CREDENTIALS.items()
        }
        for name, (_code, password, _last_day) in CREDENTIALS.items():
            stored = StoredPassword(found[name].password_hash, generated=False)
            assert HASHER.matches(parse_password(password), stored), name
        session.query(Organiser).delete()


def require_schools(panel: StaffedPanel) -> None:
    """Compares what came in."""
    with panel.database.read_session() as session:
        found = {
            each.code: (
                *(each.name, each.street, each.place, each.mailbox, each.quota, each.contract_on),
                each.trusted_networks,
            )
            for each in session.scalars(select(School).where(School.code.in_(SCHOOLS)))
        }
    assert found == SCHOOLS


def saved(workbook: str) -> Iterator[bytes]:
    """What LibreOffice once saved of that workbook, and the first of it as Excel would save it."""
    for form in FORMS:
        yield (TABLES / f"{workbook}-{form}.csv").read_bytes()
    in_utf_8 = (TABLES / f"{workbook}-semicolon-utf-8.csv").read_bytes()
    yield b"\xef\xbb\xbf" + in_utf_8.replace(b"\n", b"\r\n")


def test_credentials_of_libreoffice_come_in_right(panel: StaffedPanel, send: Send) -> None:
    """Umlauts, leading zeros, separators within passwords, dates, formulas, empty rows at the end."""
    for content in saved("credentials"):
        assert send(content, "organiser") == []
        require_credentials(panel)


def test_schools_of_libreoffice_come_in_right(panel: StaffedPanel, send: Send) -> None:
    """Cells of two lines, names like formulas, a code with a leading zero."""
    for content in saved("schools"):
        assert send(content, "school") == []
        require_schools(panel)


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_of_libreoffices_tables_has_its_line(panel: StaffedPanel, send: Send, kind: str) -> None:
    """All of them at once; nothing comes in."""
    before = panel.rows()
    workbook = "credentials-faulty" if kind == "organiser" else "schools-faulty"
    for content in saved(workbook):
        require_faults(send(content, kind), FAULTS[kind])
    after = panel.rows()
    assert (after["organisers"], after["schools"]) == (before["organisers"], before["schools"])


BY_HAND = {
    "spaces between the columns": (b"school username password\nohg a.b Brot\n", 1, "The first line holds no"),
    "a title above": (b"Liste;;\nSchule;Anmeldename;Passwort\nohg;a.b;Brot\n", 1, "The first line holds no"),
    "each line quoted": (b'"Schule;Anmeldename;Passwort"\n"ohg;a.b;Brot"\n', 1, "The first line holds no"),
    "a sum below": (
        b"Schule;Anmeldename;Passwort\nohg;a.b;Brot\n\nSumme;1;1\n",
        4,
        "A login name has 2 to 64",
    ),
    "a note beside": (b"Schule;Anmeldename;Passwort;\nohg;a.b;Brot;neu\n", 2, "There is something in"),
    "a code that lost its zero": (b"Schule;Anmeldename;Passwort\n815;a.b;Brot\n", 2, "There is no school"),
    "a name that is taken": (b"Schule;Anmeldename;Passwort\nohg;frau.a;Brot\n", 2, "There is an organiser"),
    "apostrophes around": (
        "'Schule';'Anmeldename';'Passwort'\n'ohg';'a.b';'Käse'\n".encode(),
        1,
        "The fields",
    ),
}


def test_tables_by_hand_are_refused_by_line(panel: StaffedPanel, send: Send) -> None:
    """What the other tests of tables name, once through both ways; the one who came before stays."""
    assert send("school\tusername\tpassword\rohg\tfrau.a\tBr\xf6t\r".encode("latin-1"), "organiser") == []
    before = panel.rows()["organisers"]
    for content, line, words in BY_HAND.values():
        require_faults(send(content, "organiser"), [(line, words)])
    assert panel.rows()["organisers"] == before


# ---- With LibreOffice itself


@pytest.fixture(name="libreoffice", scope="module")
def start_libreoffice(tmp_path_factory: pytest.TempPathFactory) -> LibreOffice:
    """A user of LibreOffice, who has the workbooks."""
    folder = tmp_path_factory.mktemp("libreoffice")
    for workbook in TABLES.glob("*.fods"):
        shutil.copy(workbook, folder)
    return LibreOffice(folder)


by_command = pytest.mark.parametrize("send", ["command line"], indirect=True)  # each file takes seconds

EACH_FORM = [
    SavedCsv(separator, charset, quote_all)
    for separator, charset, quote_all in product(";,\t", ("76", "65535", "ANSI"), (False, True))
]


@pytest.mark.soak
@by_command
@pytest.mark.parametrize("form", EACH_FORM, ids=str)
def test_libreoffice_saves_in_each_form(
    panel: StaffedPanel, send: Send, libreoffice: LibreOffice, form: SavedCsv
) -> None:
    """Each separator with each encoding, all texts quoted or not."""

    def save(workbook: str) -> bytes:
        return libreoffice.save_as(libreoffice.home / f"{workbook}.fods", form)

    assert send(save("credentials"), "organiser") == []
    require_credentials(panel)
    assert send(save("schools"), "school") == []
    require_schools(panel)
    require_faults(send(save("credentials-faulty"), "organiser"), FAULTS["organiser"])
    require_faults(send(save("schools-faulty"), "school"), FAULTS["school"])


# LibreOffice's numbers of encodings that have German letters: DOS, Macintosh, ISO 8859, Windows.
CHARSETS = [*range(1, 11), 12, 13, 14, 15, 20, 21, 22, 33, 36, 39, 40, 41, 42, 43, 45, 73, 75, 77, 78, 85, 90]


@pytest.mark.soak
@by_command
def test_no_encoding_changes_a_letter(panel: StaffedPanel, send: Send, libreoffice: LibreOffice) -> None:
    """Of the encodings that have German letters, each is read rightly or refused; some of each."""
    refused = 0
    for number in (*CHARSETS, 65534):
        form = SavedCsv(";", str(number))
        content = libreoffice.save_as(libreoffice.home / "credentials.fods", form)
        if b"?" in content:  # LibreOffice itself has no such letter there
            continue
        if send(content, "organiser"):
            refused += 1
        else:
            require_credentials(panel)
    assert 5 <= refused < len(CHARSETS) - 5


@pytest.mark.soak
@by_command
@pytest.mark.parametrize("kind", ["ods", "xlsx", "xls", "html", "fods"])
def test_a_workbook_sent_by_mistake_is_named_one(send: Send, libreoffice: LibreOffice, kind: str) -> None:
    """Also a web page, which some programs call a table."""
    content = libreoffice.save_as_workbook(libreoffice.home / "credentials.fods", kind)
    require_faults(send(content, "organiser"), [(1, "This is a workbook.")])

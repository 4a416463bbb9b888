"""The command line, as an administrator meets it."""

import csv
import io
import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.login.credentials import find_credential
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import Username
from authbridge.storage.database import Database
from tests.http.conftest import Run
from workbench.prosody import GENERATIONAL


def issue(run: Run, count: int = 1) -> list[dict[str, str]]:
    """New credentials, read from the CSV that is shown once."""
    result = run("organiser", "issue", "ohg", "--count", str(count))
    return list(csv.DictReader(io.StringIO(result.stdout)))


def state(run: Run, name: str) -> str:
    """What the list says of an organiser."""
    listed: list[dict[str, str]] = json.loads(run("organiser", "list", "--json").stdout)
    return next(each["state"] for each in listed if each["username"] == name)


def test_a_first_command_before_the_database_says_what_to_run(run: Run) -> None:
    """The way out of each dead end is in the sentence."""
    result = run("school", "list", code=4)

    assert "authbridge db upgrade" in result.stderr


def test_a_missing_setting_is_named(run: Run, environ: dict[str, str]) -> None:
    """Exit code 3 and the variable."""
    del environ["AUTHBRIDGE_XMPP_HOST"]

    assert "AUTHBRIDGE_XMPP_HOST is not set" in run("school", "list", code=3).stderr


def test_help_needs_no_settings(environ: dict[str, str]) -> None:
    """Who looks around breaks nothing."""
    environ.clear()

    result = CliRunner().invoke(main, ["organiser", "issue", "--help"], obj=Operator(environ))

    assert result.exit_code == 0
    assert "--count" in result.output


@pytest.mark.usefixtures("school")
def test_issued_credentials_are_shown_once_and_stored_as_hashes(run: Run, environ: dict[str, str]) -> None:
    """Three accounts, three letters; the database knows only that these passwords match."""
    issued = issue(run, 3)
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])

    assert len(issued) == 3
    with database.write_connection() as connection:
        for credential in issued:
            found = find_credential(connection, Username(credential["username"]))
            assert found is not None
            assert Hasher(4).matches(parse_password(credential["password"]), found.credential.stored)
    database.engine.dispose()
    again = run("organiser", "list").output + run("organiser", "show", issued[0]["username"]).output
    assert issued[0]["password"] not in again


@pytest.mark.usefixtures("school")
def test_credentials_in_a_file_are_the_callers_alone(run: Run, tmp_path: Path) -> None:
    """The file is new, private, and complete; an existing one is never overwritten."""
    target = tmp_path / "letters.json"

    result = run("organiser", "issue", "ohg", "--count", "2", "--format", "json", "--output", str(target))

    assert target.stat().st_mode & 0o077 == 0
    assert [each["school"] for each in json.loads(target.read_text())] == ["ohg", "ohg"]
    assert "2 written to" in result.stderr
    refused = run("organiser", "issue", "ohg", "--output", str(target), code=1)
    assert "Nothing was issued" in refused.stderr
    assert len(json.loads(run("organiser", "list", "--json").stdout)) == 2


def words_of(pdf: bytes) -> list[str]:
    """What each page says."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(("language", "word"), [("de", "Anmeldename"), ("en", "Login name")])
def test_letters_are_printed(run: Run, tmp_path: Path, language: str, word: str) -> None:
    """One page an account, with the school's address; the file is private, the print job on record."""
    run("school", "set", "ohg", "--street", "Schulstraße 1", "--place", "72336 Balingen")
    target = tmp_path / "letters.pdf"

    options = ("--format", "pdf", "--language", language, "--output", str(target))
    result = run("organiser", "issue", "ohg", "--count", "2", "--valid-until", "2999-07-31", *options)

    pages = words_of(target.read_bytes())
    listed = json.loads(run("organiser", "list", "--json").stdout)
    assert target.stat().st_mode & 0o077 == 0
    assert "2 written to" in result.stderr
    assert len(pages) == 2
    for each, page in zip(listed, pages, strict=True):
        for expected in (each["username"], word, "Schulstraße 1", "72336 Balingen", "2999"):
            assert expected in page
    assert run("organiser", "reset", listed[0]["username"], *options, code=1).stdout == ""


@pytest.mark.usefixtures("school")
def test_each_letter_is_a_file_in_a_zip(run: Run, tmp_path: Path) -> None:
    """Named by its login name, in large print if asked for; the file is private, the print job on record."""
    target = tmp_path / "letters.zip"

    options = ("--format", "zip", "--large-print", "--language", "de", "--output", str(target))
    run("organiser", "issue", "ohg", "--count", "2", *options)

    listed = [each["username"] for each in json.loads(run("organiser", "list", "--json").stdout)]
    assert target.stat().st_mode & 0o077 == 0
    with ZipFile(target) as archive:
        letters = {name: words_of(archive.read(name)) for name in archive.namelist()}
    assert list(letters) == [f"{name}.pdf" for name in listed]
    for number, (name, pages) in enumerate(zip(listed, letters.values(), strict=True), start=1):
        assert len(pages) == 2, "front and back"
        assert name in pages[0]
        assert f"Brief {number} von 2, Seite 2 von 2" in pages[1]


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(("language", "words"), [("de", "Ausgabeliste"), ("en", "Hand-out list")])
def test_an_envelope_is_printed(
    run: Run, environ: dict[str, str], tmp_path: Path, language: str, words: str
) -> None:
    """For new accounts and for a new password, with a code for the night if there is a page for it."""
    environ["AUTHBRIDGE_REPORT_URL"] = "https://kmz.example.org/report"
    new, renewed = tmp_path / "new.pdf", tmp_path / "renewed.pdf"
    options = ("--format", "envelope", "--language", language, "--output")

    run("organiser", "issue", "ohg", "--count", "5", "--with-information", *options, str(new))
    name = json.loads(run("organiser", "list", "--json").stdout)[0]["username"]
    del environ["AUTHBRIDGE_REPORT_URL"]
    run("organiser", "reset", name, "--inside", "letters", *options, str(renewed))

    pages, again = words_of(new.read_bytes()), words_of(renewed.read_bytes())
    assert new.stat().st_mode & 0o077 == 0
    assert "https://kmz.example.org/report" in pages[0]
    assert words in pages[2]
    assert name in pages[2]
    assert len(pages) == 3 + 2 + 1
    assert "report" not in again[0]
    assert ("Ein neues Passwort" if language == "de" else "A new password") in again[0]
    assert len(again) == 3 + 1


@pytest.mark.usefixtures("school")
def test_slips_are_not_printed_in_large_print(run: Run) -> None:
    """Nothing is issued, and the sentence says what to do."""
    options = ("--format", "envelope", "--large-print")

    assert "choose whole letters" in run("organiser", "issue", "ohg", *options, code=1).stderr
    assert json.loads(run("organiser", "list", "--json").stdout) == []


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(("locale", "word"), [("de_DE.UTF-8", "Anmeldename"), ("C.UTF-8", "Login name")])
def test_a_letter_goes_through_a_pipe(run: Run, environ: dict[str, str], locale: str, word: str) -> None:
    """Where “authbridge” is the service's user, the shell writes the file; the language is the locale's."""
    name = issue(run)[0]["username"]
    environ["LC_ALL"] = locale

    result = run("organiser", "reset", name, "--format", "pdf")

    (page,) = words_of(result.stdout_bytes)
    assert name in page
    assert word in page


@pytest.mark.usefixtures("school")
def test_a_letter_is_not_printed_on_a_screen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything issued for it."""
    monkeypatch.setattr("authbridge.cli.sheets.is_screen", lambda: True)

    assert "--output" in run("organiser", "issue", "ohg", "--format", "pdf", code=2).stderr
    assert json.loads(run("organiser", "list", "--json").stdout) == []


@pytest.mark.usefixtures("school")
def test_what_cannot_be_issued_leaves_no_file(run: Run, tmp_path: Path) -> None:
    """So that the same command works once the reason is gone."""
    run("school", "set", "ohg", "--quota", "0")
    target = tmp_path / "letters.json"

    run("organiser", "issue", "ohg", "--output", str(target), code=1)

    assert not target.exists()


@pytest.mark.usefixtures("school")
def test_a_letter_that_cannot_be_printed_issues_nothing(
    run: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    """The operator's texts are read before there are passwords that could be lost."""
    (tmp_path / "information.de.md").write_bytes(b"\xff")
    environ["AUTHBRIDGE_LETTER_DIR"] = str(tmp_path)

    assert "UTF-8" in run("organiser", "issue", "ohg", "--format", "pdf", code=3).stderr
    assert json.loads(run("organiser", "list", "--json").stdout) == []


@pytest.mark.usefixtures("school")
def test_suspending_and_reinstating(run: Run) -> None:
    """The state in the list is the state; doing it twice is no error and says so."""
    name = issue(run)[0]["username"]

    assert "is suspended" in run("suspend", "organiser", name, "--reason", "misuse").output
    assert state(run, name) == "suspended"
    assert "already" in run("suspend", "organiser", name, "--reason", "misuse").output
    assert "is reinstated" in run("reinstate", "organiser", name).output
    assert "was not suspended" in run("reinstate", "organiser", name).output

    run("suspend", "school", "ohg", "--reason", "other")
    assert state(run, name) == "school suspended"
    run("reinstate", "school", "ohg")
    assert state(run, name) == "in order"
    assert "misuse" in run("organiser", "show", name).output
    assert json.loads(run("school", "show", "ohg", "--json").stdout)["suspensions"][0]["reason"] == "other"


@pytest.mark.usefixtures("school")
def test_a_reset_gives_a_new_password(run: Run) -> None:
    """The new one is shown once, and it is another one."""
    before = issue(run)[0]

    after = next(csv.DictReader(io.StringIO(run("organiser", "reset", before["username"]).stdout)))

    assert after["username"] == before["username"]
    assert after["password"] != before["password"]


@pytest.mark.usefixtures("school")
def test_validity(run: Run) -> None:
    """Ended now, at the end of a day, or never."""
    name = issue(run)[0]["username"]

    run("organiser", "expire", name)
    assert state(run, name) == "expired"
    assert "2999-07-31" in run("organiser", "expire", name, "--after", "2999-07-31").output
    assert state(run, name) == "in order"
    assert "2999-07-31" in run("organiser", "expire", name, "--after", "31.7.2999").output
    run("organiser", "expire", name, "--never")
    assert json.loads(run("organiser", "show", name, "--json").stdout)["valid_until"] is None
    run("organiser", "expire", name, "--never", "--after", "2999-07-31", code=2)


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("day", ["", "2020-01-01", "31.06.2027", "2027-02-30", "31.07."])
def test_a_day_that_cannot_be_meant_issues_nothing(run: Run, day: str) -> None:
    """A letter for a dead access would be posted before anybody notices."""
    run("organiser", "issue", "ohg", "--valid-until", day, code=2)

    assert json.loads(run("organiser", "list", "--json").stdout) == []


@pytest.mark.usefixtures("school")
def test_new_credentials_last_the_school_year_unless_said_otherwise(run: Run) -> None:
    """Said on standard error, for the credentials themselves come from standard output."""
    said = run("organiser", "issue", "ohg")
    (found,) = json.loads(run("organiser", "list", "--json").stdout)
    assert found["valid_until"].endswith("-09-30")
    assert f"Valid until the end of {found['valid_until']}." in said.stderr
    run("organiser", "issue", "ohg", "--no-end", "--valid-until", "2999-07-31", code=2)
    assert "Valid until" not in run("organiser", "issue", "ohg", "--no-end").stderr
    listed = json.loads(run("organiser", "list", "--json").stdout)
    assert sorted(each["valid_until"] or "" for each in listed) == ["", found["valid_until"]]


@pytest.mark.usefixtures("school")
def test_existing_credentials_are_taken_over(run: Run, tmp_path: Path) -> None:
    """All of the file or nothing, with the line of each fault."""
    file = tmp_path / "old.csv"
    file.write_text("school;username;password\nohg;frau.a;Geheim 1\ngibt;herr.b;Geheim 2\n")

    assert (
        "line 3: There is no school with this short code or name"
        in run("organiser", "import", str(file), code=1).stderr
    )
    assert json.loads(run("organiser", "list", "--json").stdout) == []

    file.write_text("school;username;password\nohg;frau.a;Geheim 1\n")
    assert "Taken over: 1" in run("organiser", "import", str(file)).output
    (listed,) = json.loads(run("school", "list", "--json").stdout)
    assert (listed["organisers"], listed["imported"]) == (1, 1)
    assert "already" in run("organiser", "import", str(file), code=1).stderr


@pytest.mark.usefixtures("school")
def test_those_who_do_not_come_get_an_end(run: Run, tmp_path: Path) -> None:
    """All of a school at once; shown first; no day, a past one, and an unknown school are mistakes."""
    file = tmp_path / "old.csv"
    file.write_text(
        "school;username;password;valid until\nohg;frau.a;Geheim 1;\nohg;frau.b;Geheim 2;2998-12-31\n"
        "ohg;frau.c;Geheim 3;2999-12-31\n"
    )
    run("organiser", "import", str(file))

    def ends() -> list[str | None]:
        return [each["valid_until"] for each in json.loads(run("organiser", "list", "--json").stdout)]

    before = ends()
    command = ("organiser", "expire-not-come", "ohg", "--after", "31.07.2999")
    shown = run(*command, "--dry-run").stdout
    assert re.search(r"frau\.a .*\nfrau\.c .*\n2 would be valid until the end of 2999-07-31;", shown)
    assert ends() == before
    assert run(*command).stdout == "Valid until the end of 2999-07-31: 2. Unchanged: 1.\n"
    assert ends() == ["2999-07-31", "2998-12-31", "2999-07-31"]
    assert "There is nothing to change." in run(*command, "--dry-run").stdout
    run("organiser", "expire-not-come", "ohg", code=2)
    run("organiser", "expire-not-come", "ohg", "--after", "2020-07-31", code=2)
    run("organiser", "expire-not-come", "gibt", "--after", "2999-07-31", code=1)


@pytest.mark.usefixtures("school")
def test_a_table_is_shown_before_it_counts(run: Run, tmp_path: Path) -> None:
    """How it was read, what would be done, no password; and nothing is done."""
    file = tmp_path / "alt.csv"
    file.write_bytes(
        "Schule;Anmeldename;Passwort;Gültig bis\rOtto-Hahn-Gymnasium;frau.a;Tür 1;31.07.2028\r".encode(
            "cp1252"
        )
    )

    shown = run("organiser", "import", str(file), "--dry-run")
    assert (
        "Read as Windows-1252, separated by semicolons. Please check that umlauts are right." in shown.stderr
    )
    assert re.search(r"2 +ohg +frau.a +2028-07-31\n1 would be taken over", shown.stdout)
    assert "Tür" not in shown.output
    assert json.loads(run("organiser", "list", "--json").stdout) == []


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("kind", ["organiser", "school"])
def test_a_file_without_an_end_is_refused(run: Run, kind: str) -> None:
    """No more of it is read than a table may have."""
    assert "line 1: The file is too long" in run(kind, "import", "/dev/zero", code=1).stderr


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("kind", ["organiser", "school"])
def test_a_file_that_cannot_be_read_is_refused(run: Run, kind: str) -> None:
    """A disk with a fault, or a server of files that has gone: a sentence says so."""
    ended = run(kind, "import", "/proc/self/mem", code=1)  # whose first bytes belong to nobody
    assert "The file cannot be read: Input/output error." in ended.stderr


@pytest.mark.usefixtures("school")
def test_schools_are_added_and_changed_by_a_table(run: Run, tmp_path: Path) -> None:
    """All of it or nothing; what is empty or missing stays; the second time there is nothing to change."""
    file = tmp_path / "schulen.csv"
    file.write_text(
        "Kürzel;Name;Ort;Vertrag;Netze\n"
        "ohg;;74072 Heilbronn;01.09.2026;\n"
        "lmg;Lise-Meitner-Schule;;fehlt;10.1.0.0/16 ::1\n"
    )
    shown = run("school", "import", str(file), "--dry-run").stdout
    assert re.search(r"ohg +place +- +74072 Heilbronn", shown)
    assert len(json.loads(run("school", "list", "--json").stdout)) == 1

    assert "Added: 1. Changed: 1. Unchanged: 0." in run("school", "import", str(file)).stdout
    school = json.loads(run("school", "show", "ohg", "--json").stdout)
    assert (school["name"], school["place"], school["contract_on"]) == (
        "Otto-Hahn-Gymnasium",
        "74072 Heilbronn",
        "2026-09-01",
    )
    assert json.loads(run("school", "show", "lmg", "--json").stdout)["networks"] == ["10.1.0.0/16", "::1/128"]
    assert "Added: 0. Changed: 0. Unchanged: 2." in run("school", "import", str(file)).stdout

    file.write_text("Kürzel;Ort\nohg;Stuttgart\nabc;Ulm\n")
    assert "line 3: There is no school “abc” yet" in run("school", "import", str(file), code=1).stderr
    assert json.loads(run("school", "show", "ohg", "--json").stdout)["place"] == "74072 Heilbronn"


@pytest.mark.usefixtures("school")
def test_what_was_issued_can_be_taken_over(run: Run, tmp_path: Path) -> None:
    """The table of new credentials is one of existing credentials elsewhere."""
    file = tmp_path / "issued.csv"
    file.write_text(run("organiser", "issue", "ohg", "--count", "2").stdout)

    assert "2 would be taken over" not in run("organiser", "import", str(file), "--dry-run", code=1).output
    for row in csv.DictReader(io.StringIO(file.read_text())):
        assert (
            f"There is an organiser “{row['username']}” already"
            in run("organiser", "import", str(file), code=1).stderr
        )
    file.write_text(file.read_text().replace("ohg-", "old-"))
    assert "2 would be taken over" in run("organiser", "import", str(file), "--dry-run").stdout


@pytest.mark.usefixtures("school")
def test_a_schools_networks(run: Run) -> None:
    """They are replaced as a whole, and can be taken away."""
    run("school", "set", "ohg", "--network", "198.51.100.7", "--network", "2001:db8::/48")
    assert json.loads(run("school", "list", "--json").stdout)[0]["networks"] == [
        "198.51.100.7/32",
        "2001:db8::/48",
    ]
    run("school", "set", "ohg", "--no-network", "--name", "OHG")
    assert json.loads(run("school", "list", "--json").stdout)[0]["networks"] == []
    run("school", "set", "ohg", code=2)
    run("school", "set", "ohg", "--network", "nonsense", code=1)


@pytest.mark.usefixtures("school")
def test_what_is_known_of_a_school(run: Run) -> None:
    """Address, mailbox, contract and quota are set one by one, and taken away again."""
    run("school", "set", "ohg", "--street", "Schulstraße 1", "--place", "72336 Balingen", "--quota", "3")
    run("school", "set", "ohg", "--mailbox", "office@ohg.example", "--contract-on", "2026-09-01")

    shown = json.loads(run("school", "show", "ohg", "--json").stdout)
    assert (shown["street"], shown["place"]) == ("Schulstraße 1", "72336 Balingen")
    assert (shown["mailbox"], shown["contract_on"]) == ("office@ohg.example", "2026-09-01")
    assert (shown["quota"], shown["organisers"]) == (3, 0)

    run("school", "set", "ohg", "--no-contract", "--mailbox", "")
    shown = json.loads(run("school", "show", "ohg", "--json").stdout)
    assert (shown["mailbox"], shown["contract_on"]) == (None, None)
    run("school", "set", "ohg", "--no-contract", "--contract-on", "2026-09-01", code=2)
    run("school", "set", "ohg", "--mailbox", "nobody", code=1)
    assert "3 of the 3" not in run("organiser", "issue", "ohg", "--count", "3").output
    assert "3 of the 3" in run("organiser", "issue", "ohg", code=1).stderr


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(
    "arguments",
    [
        ("suspend", "organiser", "ohg-zzzz", "--reason", "misuse"),
        ("reinstate", "organiser", "ohg-zzzz"),
        ("organiser", "reset", "ohg-zzzz"),
        ("organiser", "show", "ohg-zzzz"),
        ("organiser", "expire", "ohg-zzzz"),
        ("organiser", "issue", "gibt"),
        ("organiser", "list", "gibt"),
        ("school", "show", "gibt"),
        ("school", "set", "gibt", "--name", "x"),
        ("school", "add", "ohg", "Noch einmal"),
        ("school", "add", "o-h", "Kürzel"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    """Exit code 1, a sentence, and no traceback."""
    result = run(*arguments, code=1)

    assert re.fullmatch(r"Error: .+\n", result.stderr)
    assert result.stdout == ""


def test_the_lines_for_prosody_are_ready_to_paste(run: Run, environ: dict[str, str]) -> None:
    """They name our host, our port, our token file and our modules; another host is a mistake."""
    lines = run("prosody-config", "--host", "Meet.test").output

    assert 'VirtualHost "meet.test"' in lines
    assert 'external_auth_url = "http://127.0.0.1:8701"' in lines
    assert f'external_auth_token_file = "{environ["AUTHBRIDGE_API_TOKEN_FILE"]}"' in lines
    assert re.search(r'plugin_paths = \{ ".*/prosody_mod" \}', lines)
    assert re.search(rf"^{re.escape(GENERATIONAL)} ", lines, re.MULTILINE)
    assert "s" * 64 not in lines
    run("prosody-config", "--host", "other.test", code=3)


def test_going_back_asks_first(run: Run) -> None:
    """A downgrade loses data; it is not done by a slip of the hand."""
    run("db", "upgrade")

    assert "Aborted" in run("db", "downgrade", code=1, typed="n\n").output
    for version in ("0001", "none"):
        assert f"version {version}" in run("db", "downgrade", "--yes").output
    assert "version 0004" in run("db", "upgrade").output


def test_old_logins_can_be_deleted_at_once(run: Run) -> None:
    """The data-protection officer may watch."""
    run("db", "upgrade")

    assert "older than 7 days are gone" in run("purge").output


@pytest.mark.parametrize("command", ["issue", "reset", "import"])
def test_no_command_takes_a_password_as_argument(command: str) -> None:
    """Arguments are seen by everybody on the machine."""
    help_text = CliRunner().invoke(main, ["organiser", command, "--help"]).output

    assert "--password" not in help_text


def test_the_words_for_jitsis_page_can_be_served_by_hand(run: Run) -> None:
    """A document for each language, and the one that names them; both at once, or neither, is a mistake."""
    labels = json.loads(run("jitsi-words", "--language", "de").output)
    assert labels["dialog"]["incorrectPassword"].startswith("Anmeldename oder Passwort stimmt nicht.")
    over_bosh = json.loads(run("jitsi-words", "--language", "de", "--transport", "bosh").output)
    assert over_bosh["dialog"]["incorrectPassword"].startswith("Die Anmeldung ist nicht gelungen.")
    named = json.loads(run("jitsi-words", "--branding", "https://meet.test/words/").output)
    assert named["labels"]["en"] == "https://meet.test/words/labels-en.json"
    run("jitsi-words", code=2)
    run("jitsi-words", "--language", "de", "--branding", "https://meet.test", code=2)


@pytest.mark.usefixtures("school")
def test_everything_about_an_account_is_written_as_json(run: Run, environ: dict[str, str]) -> None:
    """With the addresses, without a hash; the audit notes who asked."""
    (credential,) = issue(run)
    told = json.loads(run("organiser", "export", credential["username"]).stdout)
    assert told["account"] == credential["username"]
    assert told["has_addresses"] is True
    last = told["sections"]["audit_events"]["rows"][0]
    assert (last["action"], last["subject"]) == ("organiser:export", credential["username"])
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    with database.write_connection() as connection:
        found = find_credential(connection, Username(credential["username"]))
    database.engine.dispose()
    assert found is not None
    assert found.credential.stored.hash not in json.dumps(told)
    assert "There is no organiser" in run("organiser", "export", "ohg-none", code=1).stderr

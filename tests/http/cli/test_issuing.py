"""Credentials on the command line: shown once, written into files, and printed."""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from pypdf import PdfReader

from authbridge.login.credentials import find_credential
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import Username
from authbridge.storage.database import Database
from tests.http.cli.organisers import issue
from tests.http.conftest import Run


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

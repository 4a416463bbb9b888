"""Tables of organisers and schools on the command line."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.http.conftest import Run


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

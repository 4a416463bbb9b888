"""One organiser on the command line: suspended, reset, ended, and given out as data."""

import csv
import io
import json

import pytest

from authbridge.login.credentials import find_credential
from authbridge.login.usernames import Username
from authbridge.storage.database import Database
from tests.http.cli.organisers import issue, state
from tests.http.conftest import Run


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

"""The command line, as an administrator meets it."""

import json
import re

import pytest
from click.testing import CliRunner

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.storage.migrations import NEWEST
from tests.http.conftest import Run
from workbench.prosody import GENERATIONAL


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
    versions = [f"{number:04}" for number in range(int(NEWEST) - 1, 0, -1)]
    for version in [*versions, "none"]:
        assert f"version {version}" in run("db", "downgrade", "--yes").output
    assert f"version {NEWEST}" in run("db", "upgrade").output


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

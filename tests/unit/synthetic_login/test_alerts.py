"""One mail when logins fail, one when they work again, and none in between."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from authbridge.synthetic_login.alerts import (
    GERMAN,
    Alert,
    AlertSource,
    AlertState,
    after,
    due,
    keep_state,
    read_state,
    told,
    write_mail,
)
from authbridge.synthetic_login.outcomes import SENTENCES, SyntheticOutcome, SyntheticResult
from tests.support.fakes import MORNING

WELL = SyntheticResult(SyntheticOutcome.GRANTED, milliseconds=60)
DEAD = SyntheticResult(SyntheticOutcome.UNREACHABLE, "Connection refused")
OPEN = SyntheticResult(SyntheticOutcome.WRONG_GRANTED)
SOURCE = AlertSource("meet.example.org", "meet-1", ZoneInfo("Europe/Berlin"))
RESULTS = {"+": WELL, "-": DEAD, "!": OPEN}


def mails(results: str, *, unsent: frozenset[int] = frozenset()) -> str:
    """The mail after each result: "F" it fails, "R" it has recovered, "." none, "x" one that was not sent."""
    state, said = AlertState(), ""
    for number, each in enumerate(results):
        result = RESULTS[each]
        state = after(state, result, at=MORNING + number * timedelta(minutes=5))
        alert = due(state, result)
        if alert is None:
            said += "."
        elif number in unsent:
            said += "x"
        else:
            state = told(state, alert)
            said += "F" if alert is Alert.FAILS else "R"
    return said


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        pytest.param("++++", "....", id="all is well"),
        pytest.param("+-+-+", ".....", id="single failures, as by restarts"),
        pytest.param("+----++", "..F..R.", id="an outage"),
        pytest.param("--+--+", ".FR.FR", id="two outages"),
        pytest.param("+!!+", ".F.R", id="a door that stands open is told at once"),
        pytest.param("-!", ".F", id="also after another failure"),
        pytest.param("--!-", ".F..", id="but once"),
    ],
)
def test_a_mail_is_sent_when_it_matters(results: str, expected: str) -> None:
    """Twice in a row, for a restart of Prosody may meet one login."""
    assert mails(results) == expected


def test_a_mail_that_was_not_sent_is_tried_at_the_next_login() -> None:
    """Of a failure that is over nobody hears; of a recovery they do, unless it fails again before."""
    assert mails("----+", unsent=frozenset({1, 2})) == ".xxFR"
    assert mails("--++", unsent=frozenset({1})) == ".x.."
    assert mails("--++", unsent=frozenset({2})) == ".FxR"
    assert mails("--+--+", unsent=frozenset({2})) == ".Fx..R"


@pytest.mark.parametrize(
    "state", [AlertState(), AlertState(3, MORNING, is_told=True), AlertState(0, MORNING)]
)
def test_the_state_outlives_the_run(tmp_path: Path, state: AlertState) -> None:
    """It is overwritten in place, as long as ever: a full disk has room for that."""
    file = tmp_path / "state"
    keep_state(file, AlertState(9, MORNING, is_told=True))
    size = file.stat().st_size
    keep_state(file, state)

    assert read_state(file) == state
    assert (file.stat().st_size, file.stat().st_mode & 0o777) == (size, 0o600)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"failures": "x", "since": null, "is_told": 1}'])
def test_a_damaged_state_says_that_nothing_was_told(tmp_path: Path, content: bytes) -> None:
    """A mail too many is better than one too few."""
    (tmp_path / "state").write_bytes(content)

    assert read_state(tmp_path / "state") == AlertState() == read_state(tmp_path / "none")


def test_no_more_is_read_than_was_written(tmp_path: Path) -> None:
    """What somebody appended to the file, however long, neither fills the memory nor voids the state."""
    file = tmp_path / "state"
    keep_state(file, AlertState(2, MORNING, is_told=True))
    with file.open("ab") as opened:
        opened.write(b"x" * 1000)

    assert read_state(file) == AlertState(2, MORNING, is_told=True)


def test_the_state_follows_no_link(tmp_path: Path) -> None:
    """It overwrites no file of anybody else."""
    (tmp_path / "state").symlink_to(tmp_path / "other")

    with pytest.raises(OSError, match="symbolic"):
        keep_state(tmp_path / "state", AlertState())


def mail(alert: Alert, result: SyntheticResult, at: datetime = MORNING) -> tuple[str, str]:
    """Subject and body."""
    message = write_mail(alert, AlertState(2, MORNING), result, SOURCE, at=at)
    return message["Subject"], message.get_content()


def test_the_mail_says_what_is_wrong_since_when_and_what_to_do() -> None:
    """In German and in English, by the operator's clock."""
    subject, body = mail(Alert.FAILS, DEAD)

    assert subject == "meet.example.org: Anmeldung gestört / logins fail"
    assert "seit dem 20.11.2026, 08:55 Uhr" in body
    assert "has failed since 2026-11-20 08:55" in body
    assert "Der Besprechungsserver ist nicht erreichbar. (Connection refused)" in body
    assert "The meeting server cannot be reached. (Connection refused)" in body
    assert body.count("authbridge doctor") == 2
    assert "meet-1" in body


def test_the_mail_says_that_it_works_again() -> None:
    """And since when it had not."""
    subject, body = mail(Alert.RECOVERED, WELL, MORNING + timedelta(hours=1))

    assert subject == "meet.example.org: Anmeldung gelingt wieder / logins work again"
    assert "zuletzt um 09:55 Uhr" in body
    assert "had failed since 2026-11-20 08:55" in body


def test_every_outcome_has_its_sentence_in_both_languages() -> None:
    """Whatever happens, it is said."""
    assert set(SENTENCES) == set(GERMAN) == set(SyntheticOutcome)

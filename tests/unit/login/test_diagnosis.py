"""What staff are told on the telephone: the cause, and what to do about it."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from authbridge.login.diagnosis import (
    Cause,
    Diagnosis,
    Episode,
    LoginFacts,
    LoginOutcome,
    MisspeltName,
    NetworkKind,
    NextAction,
    RecentAttempt,
    diagnose,
    episodes,
    outcome_of,
)
from authbridge.login.near_names import names_one_slip_away
from authbridge.login.policy import Verdict
from tests.support.fakes import MORNING

IN, WRONG, WAITED = LoginOutcome.ADMITTED, LoginOutcome.WRONG_PASSWORD, LoginOutcome.WAITED
FACTS = LoginFacts(today=MORNING.date())


def minute(number: float) -> datetime:
    """Returns the moment so many minutes after the morning."""
    return MORNING + timedelta(minutes=number)


def attempt(
    number: float, outcome: LoginOutcome = WRONG, network: NetworkKind = NetworkKind.OWN, count: int = 1
) -> RecentAttempt:
    """Returns a login of that minute."""
    return RecentAttempt(minute(number), outcome, network, count)


def found(*attempts: RecentAttempt, **facts: object) -> Diagnosis:
    """Returns the diagnosis after these logins."""
    return diagnose(replace(FACTS, attempts=attempts, **facts))  # type: ignore[arg-type] # whatever the test names


WRONGS = (attempt(0), attempt(1), attempt(2))


@pytest.mark.parametrize(
    ("facts", "cause", "action"),
    [
        ({"suspended_at": MORNING}, Cause.SUSPENDED, NextAction.REINSTATE),
        ({"school_suspended_at": MORNING}, Cause.SCHOOL_SUSPENDED, NextAction.OPEN_SCHOOL),
        ({"valid_until": date(2026, 11, 19)}, Cause.EXPIRED, NextAction.EXTEND),
        ({"waits_until": minute(9)}, Cause.WAITING, NextAction.LIFT_WAIT),
        ({"valid_until": date(2026, 11, 20)}, Cause.WRONG_PASSWORD, NextAction.NEW_PASSWORD),
    ],
)
def test_a_closed_access_is_the_cause_whatever_was_tried(
    facts: dict[str, object], cause: Cause, action: NextAction
) -> None:
    """A new password does not help a suspended organiser; the last day of validity still counts."""
    diagnosis = found(*WRONGS, **facts)
    assert (diagnosis.cause, diagnosis.action) == (cause, action)


def test_the_order_of_the_causes_is_that_of_the_login() -> None:
    """What the login would say first is named first."""
    facts: dict[str, object] = {
        "waits_until": minute(9),
        "valid_until": date(2026, 11, 19),
        "school_suspended_at": MORNING,
        "suspended_at": MORNING,
    }
    seen = []
    while facts:
        seen.append(found(*WRONGS, **facts).cause)
        facts.popitem()
    assert seen == [Cause.SUSPENDED, Cause.SCHOOL_SUSPENDED, Cause.EXPIRED, Cause.WAITING]


def test_wrong_passwords_are_told_with_their_time_number_and_network() -> None:
    """Three wrong passwords within two minutes from the school are one story."""
    diagnosis = found(attempt(-300), *WRONGS)
    assert diagnosis.cause is Cause.WRONG_PASSWORD
    assert diagnosis.action is NextAction.NEW_PASSWORD
    assert diagnosis.episode == Episode(WRONG, NetworkKind.OWN, minute(0), minute(2), 3)


def test_counted_logins_count_as_many() -> None:
    """A browser that repeats the password is one row a minute."""
    episode = found(attempt(0), attempt(1, count=12)).episode
    assert episode is not None
    assert episode.count == 13


def test_several_networks_are_none() -> None:
    """The sentence names a network only where it is one kind."""
    episode = found(attempt(0), attempt(1, network=NetworkKind.OTHER)).episode
    assert episode is not None
    assert episode.network is None


@pytest.mark.parametrize(
    ("attempts", "cause", "action"),
    [
        ((attempt(0), attempt(1, IN)), Cause.IN_ORDER, NextAction.NOTHING),
        ((attempt(0, IN), attempt(1)), Cause.WRONG_PASSWORD, NextAction.NEW_PASSWORD),
        ((attempt(0), attempt(1, WAITED)), Cause.WRONG_PASSWORD, NextAction.NEW_PASSWORD),
        ((attempt(0), attempt(1, IN), attempt(2, WAITED)), Cause.WAITED, NextAction.TRY_AGAIN),
        ((attempt(0), attempt(1, LoginOutcome.BUSY)), Cause.BUSY, NextAction.TRY_AGAIN),
        ((attempt(1, LoginOutcome.BROKEN_OFF),), Cause.BUSY, NextAction.TRY_AGAIN),
        ((attempt(1, LoginOutcome.SUSPENDED),), Cause.OPEN_AGAIN, NextAction.TRY_AGAIN),
        ((attempt(1, LoginOutcome.EXPIRED),), Cause.OPEN_AGAIN, NextAction.TRY_AGAIN),
        ((), Cause.NOT_TRIED, NextAction.COMPARE_NAME),
    ],
)
def test_the_latest_login_is_the_cause(
    attempts: tuple[RecentAttempt, ...], cause: Cause, action: NextAction
) -> None:
    """After a success nothing is wrong, and a wait is explained by what led to it."""
    diagnosis = found(*attempts)
    assert (diagnosis.cause, diagnosis.action) == (cause, action)


def test_what_staff_have_done_since_is_not_asked_for_again() -> None:
    """After a new password the three wrong ones explain nothing; the next wrong one does."""
    assert found(*WRONGS, changed_at=minute(3)).cause is Cause.NOT_TRIED_SINCE
    assert found(*WRONGS, attempt(5), changed_at=minute(3)).episode == Episode(
        WRONG, NetworkKind.OWN, minute(5), minute(5), 1
    )


def test_a_name_one_slip_away_is_the_cause_if_it_was_tried_later() -> None:
    """A mistyped name leaves no trace on the organiser's own attempts."""
    misspelt = MisspeltName("ohg-kwtv", minute(4))
    assert found(misspelt=misspelt).cause is Cause.MISSPELT_NAME
    assert found(*WRONGS, misspelt=misspelt).cause is Cause.MISSPELT_NAME
    assert found(attempt(5, IN), misspelt=misspelt).cause is Cause.IN_ORDER
    assert found(changed_at=minute(5), misspelt=misspelt).cause is Cause.NOT_TRIED_SINCE


def test_a_suspension_says_what_was_tried_since() -> None:
    """Attempts before it have nothing to do with it."""
    assert found(*WRONGS, suspended_at=minute(3)).episode is None
    assert found(*WRONGS, suspended_at=minute(-1)).episode is not None


def test_neighbours_of_one_outcome_and_network_are_one_row() -> None:
    """Another outcome, another network or two hours of silence begin a new one."""
    rows = episodes(
        [
            attempt(0),
            attempt(1),
            attempt(2, IN),
            attempt(3),
            attempt(4, network=NetworkKind.OTHER),
            attempt(999),
        ]
    )
    assert [row.count for row in rows] == [2, 1, 1, 1, 1]


def test_every_verdict_has_an_outcome() -> None:
    """A new verdict must be named for staff, too."""
    assert len({outcome_of(verdict) for verdict in (*Verdict, None)}) == len(Verdict) + 1


@pytest.mark.parametrize(
    "typed", ["ohg-kwtv", "ohg-kwx", "ohgkwtx", "ohg-kwttx", "ohg-kwxt", "ohg kwtx", "ohg?kwtx", "ohg-kwtx."]
)
def test_one_slip_is_near(typed: str) -> None:
    """Another letter, one less, one more, two exchanged; a blank or a dash for the hyphen."""
    assert typed in names_one_slip_away("ohg-kwtx")
    assert "ohg-kwtx" in names_one_slip_away(typed)


@pytest.mark.parametrize("typed", ["ohg-kwtx", "ohg-kwvv", "ohg-kw", "", "secret"])
def test_anything_else_is_not_near(typed: str) -> None:
    """Neither the name itself nor what is two slips away: it may be a password."""
    assert typed not in names_one_slip_away("ohg-kwtx")


def test_nothing_is_near_a_very_short_name() -> None:
    """Of four letters every other word is near."""
    assert names_one_slip_away("anna") == set()

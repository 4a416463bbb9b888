"""The policy's table of verdicts."""

from datetime import date

import pytest

from authbridge.policy import Account, Attempt, Reason, Verdict, judge
from tests.fakes import MORNING

TODAY = date(2026, 11, 20)
YESTERDAY = date(2026, 11, 19)


def account(
    *, suspended: bool = False, school_suspended: bool = False, valid_until: date | None = None
) -> Account:
    """An account at its third password."""
    return Account(3, suspended=suspended, school_suspended=school_suspended, valid_until=valid_until)


@pytest.mark.parametrize(
    ("state", "verdict", "reason"),
    [
        pytest.param(account(), Verdict.GRANTED, Reason.IN_ORDER, id="in order"),
        pytest.param(account(valid_until=TODAY), Verdict.GRANTED, Reason.IN_ORDER, id="last day"),
        pytest.param(account(valid_until=YESTERDAY), Verdict.EXPIRED, Reason.PAST_VALIDITY, id="day after"),
        pytest.param(account(suspended=True), Verdict.SUSPENDED, Reason.ORGANISER_SUSPENDED, id="suspended"),
        pytest.param(
            account(school_suspended=True), Verdict.SUSPENDED, Reason.SCHOOL_SUSPENDED, id="school suspended"
        ),
        pytest.param(
            account(suspended=True, valid_until=YESTERDAY),
            Verdict.SUSPENDED,
            Reason.ORGANISER_SUSPENDED,
            id="suspended and expired",
        ),
    ],
)
def test_right_password_learns_the_state(state: Account, verdict: Verdict, reason: Reason) -> None:
    """Who has the password is told what is wrong with the access."""
    decision = judge(state, checked_version=3, today=TODAY)

    assert (decision.verdict, decision.reason) == (verdict, reason)


@pytest.mark.parametrize(
    "state",
    [
        None,
        account(),
        account(suspended=True),
        account(school_suspended=True),
        account(valid_until=YESTERDAY),
    ],
)
def test_without_the_password_every_account_looks_alike(state: Account | None) -> None:
    """Who does not have the password is refused, whatever the account's state, and even without one."""
    assert judge(state, checked_version=None, today=TODAY).verdict is Verdict.REFUSED


def test_a_password_replaced_during_the_check_is_wrong() -> None:
    """A reset counts from its moment, also for a login under way."""
    decision = judge(account(), checked_version=2, today=TODAY)

    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.CREDENTIAL_REPLACED)


def test_an_attempt_hides_its_password() -> None:
    """The password of an attempt is in no representation of it."""
    attempt = Attempt("ohg-kwtx", "vpgd-kxwj-rhms", ip=None, user_agent=None, at=MORNING)

    assert "vpgd" not in repr(attempt)

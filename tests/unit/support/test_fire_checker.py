"""The checker of histories: it passes what may be, and finds each kind of lie that it is fed."""

import dataclasses

import pytest

from tests.support.fire.checker import check
from tests.support.fire.history import (
    Calm,
    Change,
    Command,
    Entry,
    Fault,
    History,
    Login,
    Memory,
    SessionSpan,
    Verdict,
    read,
)


def change(command: Command, began: float, ended: float, **fields: int) -> Change:
    """A command that was acknowledged."""
    return Change(1, command, began, ended, is_acknowledged=True, **fields)


def login(began: float, ended: float, verdict: Verdict, generation: int = 1) -> Login:
    """A login of the same account."""
    return Login(1, "13", generation, began, ended, verdict)


def session(granted: float, ended: float, *, cut: bool) -> SessionSpan:
    """A session whose login took no time."""
    return SessionSpan(1, "13", granted, granted, ended, cut)


def unsure(some: Change) -> Change:
    """The same, never acknowledged."""
    return dataclasses.replace(some, is_acknowledged=False)


GRANTED, SUSPENDED, REFUSED = Verdict.GRANTED, Verdict.SUSPENDED, Verdict.REFUSED
SUSPEND = change(Command.SUSPEND, 10, 11)
REINSTATE = change(Command.REINSTATE, 20, 21)
RESET = change(Command.RESET, 10, 11, generation=2)
CLOSED_SCHOOL = change(Command.SUSPEND_SCHOOL, 10, 11)
OUT = change(Command.END_SESSIONS, 10, 11)

RIGHT: dict[str, list[Entry]] = {
    "nothing happens": [login(1, 2, GRANTED), login(3, 4, REFUSED, 0)],
    "suspended and reinstated": [
        SUSPEND,
        REINSTATE,
        login(1, 2, GRANTED),
        login(12, 13, SUSPENDED),
        login(12, 13, REFUSED, 0),
        login(22, 23, GRANTED),
    ],
    "a login at the same time may be told either": [
        SUSPEND,
        login(10.1, 10.2, GRANTED),
        login(10.1, 10.9, SUSPENDED),
    ],
    "a slow login is told what was true meanwhile": [
        SUSPEND,
        REINSTATE,
        login(9, 22, SUSPENDED),
        login(9, 22, GRANTED),
    ],
    "not acknowledged, and done": [unsure(SUSPEND), login(12, 13, SUSPENDED), login(14, 15, SUSPENDED)],
    "not acknowledged, and not done": [unsure(SUSPEND), login(12, 13, GRANTED)],
    "a new password": [RESET, login(12, 13, REFUSED, 1), login(12, 13, GRANTED, 2)],
    "the school": [
        CLOSED_SCHOOL,
        change(Command.REINSTATE, 12, 13),
        login(14, 15, SUSPENDED),
        change(Command.REINSTATE_SCHOOL, 16, 17),
        login(18, 19, GRANTED),
    ],
    "told to wait": [login(1, 2, Verdict.UNAVAILABLE), login(1, 2, Verdict.NOTHING)],
    "logged out": [OUT, session(5, 11.1, cut=True), session(12, 30, cut=False), Calm(13, 14)],
    "logged out as soon as it can be": [OUT, session(5, 13.5, cut=True), Calm(13, 14)],
    "late news end a new session, too": [OUT, session(12, 12.5, cut=True), Calm(13, 14)],
    "a Prosody was killed": [session(5, 8, cut=True), Fault("kill Prosody", 7, 9, "13")],
    "nobody knows yet": [OUT, session(5, 30, cut=False)],
}

WRONG: dict[str, list[Entry]] = {
    "let in though suspended": [SUSPEND, login(12, 13, GRANTED)],
    "let in though the school is suspended": [CLOSED_SCHOOL, login(12, 13, GRANTED)],
    "suspended though reinstated": [SUSPEND, REINSTATE, login(22, 23, SUSPENDED)],
    "suspended before anybody did it": [SUSPEND, login(8, 9, SUSPENDED)],
    "refused with the right password": [login(1, 2, REFUSED)],
    "let in with a wrong password": [login(1, 2, GRANTED, 0)],
    "told with a wrong password that it is suspended": [SUSPEND, login(12, 13, SUSPENDED, 0)],
    "the old password opens": [RESET, login(12, 13, GRANTED, 1)],
    "the new password does not open": [RESET, login(12, 13, REFUSED, 2)],
    "there and back again": [unsure(SUSPEND), login(12, 13, SUSPENDED), login(14, 15, GRANTED)],
    "two logins that no order explains": [SUSPEND, login(10.1, 10.2, SUSPENDED), login(10.3, 10.4, GRANTED)],
    "silent in a calm": [dataclasses.replace(login(1, 2, Verdict.UNAVAILABLE), is_calm=True)],
    "a session that stays": [OUT, session(5, 30, cut=False), Calm(13, 14)],
    "a session that stays in a suspended school": [CLOSED_SCHOOL, session(5, 30, cut=True), Calm(13, 14)],
    "put out for nothing": [session(5, 8, cut=True)],
    "put out because another Prosody was killed": [
        session(5, 8, cut=True),
        Fault("kill Prosody", 7, 9, "0.12"),
    ],
    "put out once more after all had carried it out": [OUT, session(15, 16, cut=True), Calm(13, 14)],
}


def history_of(entries: list[Entry]) -> History:
    """One run in which just that happened."""
    history = History()
    for entry in entries:
        history.add(entry)
    return history


@pytest.mark.parametrize("entries", RIGHT.values(), ids=RIGHT)
def test_what_may_be_passes(entries: list[Entry]) -> None:
    """Also what looks odd, but has an order that explains it."""
    assert check(history_of(entries)) == []


@pytest.mark.parametrize("entries", WRONG.values(), ids=WRONG)
def test_a_wrong_history_is_found(entries: list[Entry]) -> None:
    """Each with exactly the one fault that is in it, in a sentence."""
    [found] = check(history_of(entries))
    assert str(found)


def test_the_fault_is_named() -> None:
    """By what somebody was told, where and when, and what would have been true."""
    [found] = check(history_of([SUSPEND, login(12, 13, GRANTED)]))
    assert str(found) == (
        "13.000 s, account 1: told “granted” over 13 with the password of generation 1, begun at 12.000 s; "
        "true was “suspended”"
    )


def test_one_fault_hides_no_other() -> None:
    """What comes after it is judged as if nobody had asked."""
    found = check(
        history_of([SUSPEND, login(12, 13, GRANTED), login(14, 15, SUSPENDED), login(16, 17, GRANTED)])
    )
    assert [each.at for each in found] == [13, 17]


def test_accounts_are_judged_each_by_its_own() -> None:
    """A suspension of one says nothing about another."""
    other = dataclasses.replace(login(12, 13, GRANTED), account=2)
    assert check(history_of([SUSPEND, other])) == []


def test_a_kept_history_is_the_same() -> None:
    """Written down and read again, it says the same of each kind of entry."""
    history = history_of([*RIGHT["a Prosody was killed"], *WRONG["there and back again"], Calm(1, 2)])
    history.add(Memory(3, {"panel": 4}, {"panel": 5}))
    assert read(history.lines()) == history

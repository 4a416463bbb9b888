"""What one service process remembers of passwords, and for how long."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authbridge.login.limits import Limits
from authbridge.login.password_cache import PasswordCache
from authbridge.login.policy import CacheResult
from tests.support.fakes import MORNING

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NONE, RIGHT, WRONG = CacheResult.NONE, CacheResult.RIGHT, CacheResult.WRONG
LIMITS = Limits()


def recall(
    password_cache: PasswordCache, password: str, at: datetime, *, version: str = "7.3"
) -> CacheResult:
    """What the memory holds of a password of the one account."""
    return password_cache.recall(
        password_cache.cache_key("right", "ohg-kwtx", version, password),
        password_cache.cache_key("wrong", "ohg-kwtx", version, password),
        at,
    )


def learn(password_cache: PasswordCache, password: str, *, right: bool, at: datetime = MORNING) -> None:
    """The password was checked."""
    kind = "right" if right else "wrong"
    note = password_cache.note_right if right else password_cache.note_wrong
    note(password_cache.cache_key(kind, "ohg-kwtx", "7.3", password), at)


@pytest.mark.parametrize(
    ("right", "after", "expected"),
    [
        pytest.param(True, timedelta(0), RIGHT, id="right, at once"),
        pytest.param(True, 7 * DAY, RIGHT, id="right, after 7 days"),
        pytest.param(True, 7 * DAY + SECOND, NONE, id="right, after more than 7 days"),
        pytest.param(False, timedelta(0), WRONG, id="wrong, at once"),
        pytest.param(False, DAY, WRONG, id="wrong, after 24 hours"),
        pytest.param(False, DAY + SECOND, NONE, id="wrong, after more than 24 hours"),
    ],
)
def test_how_long_it_lasts(right: bool, after: timedelta, expected: CacheResult) -> None:  # noqa: FBT001 - a table
    """A verified password 7 days, a wrong one 24 hours."""
    password_cache = PasswordCache(LIMITS, remember=True)
    learn(password_cache, "vpgd", right=right)

    assert recall(password_cache, "vpgd", MORNING + after) is expected


def test_a_verified_password_lasts_from_its_last_use() -> None:
    """Who logs in every 6 days is remembered for good."""
    password_cache = PasswordCache(LIMITS, remember=True)
    learn(password_cache, "vpgd", right=True)

    assert [recall(password_cache, "vpgd", MORNING + days * DAY) for days in (6, 12, 18, 26)] == [
        RIGHT,
        RIGHT,
        RIGHT,
        NONE,
    ]


def test_a_wrong_password_is_not_renewed_by_being_tried() -> None:
    """The 24 hours count from the check, so a forgotten tablet costs one check a day."""
    password_cache = PasswordCache(LIMITS, remember=True)
    learn(password_cache, "old", right=False)

    tries = [recall(password_cache, "old", MORNING + hours * timedelta(hours=1)) for hours in (12, 23, 25)]

    assert tries == [WRONG, WRONG, NONE]


@pytest.mark.parametrize("right", [True, False])
def test_no_more_than_the_bound(right: bool) -> None:  # noqa: FBT001 - a table
    """The one that was longest not used is forgotten first."""
    password_cache = PasswordCache(replace(LIMITS, remembered_entries=2, repeated_entries=2), remember=True)
    for number, password in enumerate("abc"):
        learn(password_cache, password, right=right, at=MORNING + number * SECOND)

    kept = RIGHT if right else WRONG
    assert [recall(password_cache, password, MORNING + 3 * SECOND) for password in "abc"] == [
        NONE,
        kept,
        kept,
    ]


def test_use_saves_a_verified_password_from_the_bound() -> None:
    """Many first logins push out those who never come."""
    password_cache = PasswordCache(replace(LIMITS, remembered_entries=2), remember=True)
    learn(password_cache, "a", right=True)
    learn(password_cache, "b", right=True, at=MORNING + SECOND)
    recall(password_cache, "a", MORNING + 2 * SECOND)
    learn(password_cache, "c", right=True, at=MORNING + 3 * SECOND)

    assert [recall(password_cache, each, MORNING + 4 * SECOND) for each in "abc"] == [RIGHT, NONE, RIGHT]


def test_wrong_passwords_do_not_push_out_verified_ones() -> None:
    """A flood of guesses makes nobody wait who is remembered."""
    password_cache = PasswordCache(replace(LIMITS, remembered_entries=1, repeated_entries=1), remember=True)
    learn(password_cache, "vpgd", right=True)
    for number in range(10):
        learn(password_cache, f"guess {number}", right=False)

    assert recall(password_cache, "vpgd", MORNING) is RIGHT


def test_turned_off_it_remembers_only_what_is_wrong() -> None:
    """The setting is about verified passwords."""
    password_cache = PasswordCache(LIMITS, remember=False)
    learn(password_cache, "vpgd", right=True)
    learn(password_cache, "old", right=False)

    assert (recall(password_cache, "vpgd", MORNING), recall(password_cache, "old", MORNING)) == (NONE, WRONG)


@pytest.mark.parametrize("version", ["7.4", "8.3"])
def test_another_credential_is_not_recalled(version: str) -> None:
    """After a reset, or for another organiser of the same name, nothing is remembered, right or wrong."""
    password_cache = PasswordCache(LIMITS, remember=True)
    learn(password_cache, "vpgd", right=True)
    learn(password_cache, "old", right=False)

    assert (
        recall(password_cache, "vpgd", MORNING, version=version),
        recall(password_cache, "old", MORNING, version=version),
    ) == (
        NONE,
        NONE,
    )


def test_a_restart_without_handover_is_cold() -> None:
    """Neither entries nor key outlive the process, unless its memory is handed to the next one."""
    before, after = PasswordCache(LIMITS, remember=True), PasswordCache(LIMITS, remember=True)
    learn(before, "vpgd", right=True)

    assert recall(after, "vpgd", MORNING) is NONE
    assert before.cache_key("vpgd") != after.cache_key("vpgd")


def test_a_mark_is_a_keyed_hash_of_all_its_parts() -> None:
    """256 bits, and no two lists of parts share one."""
    password_cache = PasswordCache(LIMITS, remember=True)

    marks = {
        password_cache.cache_key(*parts)
        for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], ["abc", ""])
    }

    assert len(marks) == 5
    assert {len(mark) for mark in marks} == {32}


def test_nothing_of_it_is_shown() -> None:
    """Neither password nor key is in what shows the object."""
    password_cache = PasswordCache(LIMITS, remember=True)
    learn(password_cache, "vpgd-kxwj-rhms", right=True)

    shown = repr(password_cache) + str(password_cache)

    assert "vpgd" not in shown
    assert password_cache.cache_key("right", "ohg-kwtx", "7.3", "vpgd-kxwj-rhms").hex() not in shown

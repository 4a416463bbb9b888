"""Entries of the store live as long as they should, no longer, and no more of them than allowed."""

from datetime import timedelta

from admin.stores.expiring_store import ExpiringStore
from tests.support.fakes import FakeClock

LIFETIME = timedelta(minutes=2)


def is_anything(_value: str) -> bool:
    """Accepts every value."""
    return True


def test_an_entry_is_found_until_its_lifetime_is_over() -> None:
    """One second before the end it is there, at the end it is not."""
    clock, store = FakeClock(), ExpiringStore[str, str](LIFETIME)
    store.put("key", "value", now=clock())
    clock.advance(seconds=LIFETIME.seconds - 1)
    assert store.find("key", now=clock()) == "value"
    clock.advance(seconds=1)
    assert store.find("key", now=clock()) is None


def test_a_taken_entry_is_gone() -> None:
    """The second reader gets nothing."""
    clock, store = FakeClock(), ExpiringStore[str, str](LIFETIME)
    store.put("key", "value", now=clock())
    assert store.take("key", is_anything, now=clock()) == "value"
    assert store.take("key", is_anything, now=clock()) is None


def test_an_unwanted_entry_stays() -> None:
    """A reader who wants another value takes nothing."""
    clock, store = FakeClock(), ExpiringStore[str, str](LIFETIME)
    store.put("key", "value", now=clock())
    assert store.take("key", lambda value: value == "other", now=clock()) is None
    assert store.find("key", now=clock()) == "value"


def test_a_full_store_keeps_what_it_has() -> None:
    """A new entry is kept only once an old one has expired."""
    clock, store = FakeClock(), ExpiringStore[str, str](LIFETIME, max_size=1)
    store.put("first", "value", now=clock())
    store.put("second", "value", now=clock())
    assert store.find("second", now=clock()) is None
    clock.advance(seconds=LIFETIME.seconds)
    store.put("second", "value", now=clock())
    assert store.find("second", now=clock()) == "value"


def test_a_value_stands_in_no_repr() -> None:
    """A log that names the store names no secret."""
    clock, store = FakeClock(), ExpiringStore[str, str](LIFETIME)
    store.put("key", "a-secret", now=clock())
    assert "a-secret" not in repr(store)

"""Whether the machine ran: judged by how late somebody was woken who only slept."""

from collections.abc import Iterator

import pytest

from tests.support.machine_monitor import CROWDED, MachineMonitor, Span, stall_in


def span(**lost: float) -> Span:
    """One second in which so much was lost."""
    return Span(10.0, 11.0, **lost)


@pytest.mark.parametrize(
    ("stall", "words"),
    [
        (span(latest=3.2), "a nap of 0.05 s lasted 3.2 s too long"),
        (span(latest=0.09, late=0.4), "0.4 s of 1.0 s too late to wake up"),
        (span(stolen=0.7), "0.7 s of 1.0 s given to others by the host"),
        (span(throttled=0.6), "0.6 s of 1.0 s denied, for we had our share"),
        (span(blocked=0.9), "0.9 s of 1.0 s waiting for the disk"),
    ],
)
def test_a_stall_is_told_in_words(stall: Span, words: str) -> None:
    """Each kind of it, also in the midst of seconds that were in order."""
    assert stall_in([span(), stall, span(latest=0.1)]) == words


def test_a_busy_machine_has_run() -> None:
    """Tests that keep all processors busy for long, and a host that takes a little."""
    assert stall_in([span(latest=0.2, late=0.2, stolen=0.2, blocked=0.5)] * 60) == ""
    assert stall_in([Span(10.0, 20.0, late=2.0, stolen=2.0, blocked=5.0)]) == ""


@pytest.mark.parametrize(
    ("seen", "is_stall"),
    [
        (span(latest=0.9, late=0.9, stolen=0.9, throttled=1.8, blocked=0.8), False),
        (span(latest=1.1), True),
        (span(blocked=0.95), True),
    ],
)
def test_in_a_crowd_only_a_second_counts(seen: Span, *, is_stall: bool) -> None:
    """There each waits for others."""
    assert (stall_in([span(), seen], CROWDED) != "") is is_stall


def test_nothing_seen_is_no_stall() -> None:
    """Without a monitor a failure counts."""
    assert stall_in([]) == ""


@pytest.fixture(name="monitor")
def make_monitor() -> Iterator[MachineMonitor]:
    """The real one."""
    monitor = MachineMonitor()
    yield monitor
    monitor.stop()


def test_the_monitor_sees_what_lies_between(monitor: MachineMonitor) -> None:
    """It answers once it has seen the moment of the question; it can be asked before it saw anything."""
    began = monitor.begin()
    seen = monitor.stall_since(began)
    later = monitor.begin()
    assert later > began
    assert isinstance(seen, str)


def test_a_monitor_that_is_gone_saw_nothing(monitor: MachineMonitor) -> None:
    """It does not keep anybody waiting."""
    monitor.stop()
    assert monitor.stall_since(0.0) == ""

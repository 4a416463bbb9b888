"""What happens all the time is logged once an hour, with its count."""

import logging
from datetime import timedelta

import pytest

from authbridge.hourly_lines import HourlyLines
from tests.support.fakes import MORNING


def test_the_first_of_an_hour_is_logged_and_the_others_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Each kind by itself; a flood is two lines."""
    lines = HourlyLines(logging.getLogger("lines"))
    for second in range(3600):
        lines.note("refused: a form", now=MORNING + timedelta(seconds=second))
    lines.note("refused: a host", now=MORNING)
    lines.note("refused: a form", now=MORNING + timedelta(hours=1))
    assert caplog.messages == [
        "refused: a form",
        "refused: a host",
        "refused: a form (3599 more since the last such line)",
    ]


def test_a_clock_that_was_ahead_silences_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Else nothing would be logged until the time has come at which the wrong clock stood."""
    lines = HourlyLines(logging.getLogger("lines"))
    lines.note("refused: a form", now=MORNING + timedelta(days=2))
    lines.note("refused: a form", now=MORNING)
    assert caplog.messages == ["refused: a form"] * 2

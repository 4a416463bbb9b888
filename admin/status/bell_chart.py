"""The logins of today as a picture: a bar each five minutes, refused on top, the usual day as a thin line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from admin.panel import current_panel, now, today
from authbridge.login.bell import BEGINS, STEP, Count, Usual

HEIGHT = 120  # units of the picture
BAR = 8  # units from one bar to the next

_HOURS = 9  # until four o'clock: the picture is as wide in the morning as in the afternoon
_STEP_MINUTES = int(STEP.total_seconds() // 60)
_STEPS_AN_HOUR = 60 // _STEP_MINUTES
_BEGINS_AT = 60 * BEGINS.hour  # minutes since midnight


@dataclass(frozen=True, slots=True)
class Bar:
    """Five minutes: the counts, what is usual (None if unknown), and where they are drawn."""

    at: datetime
    granted: int
    refused: int
    usual: int | None
    x: int
    granted_height: float
    refused_height: float


@dataclass(frozen=True, slots=True)
class BellChart:
    """``line``: the usual day as points, or empty; ``top``: the end of the scale; ``hours`` are shown."""

    bars: tuple[Bar, ...]
    line: str
    hours: tuple[int, ...]
    width: int
    top: int
    granted: int
    refused: int
    usual_days: int

    @property
    def eventful(self) -> tuple[Bar, ...]:
        """Returns the bars for the table: those in which anything happened, or usually does."""
        return tuple(bar for bar in self.bars if bar.granted or bar.refused or bar.usual)


def bell_chart() -> BellChart:
    """Returns the picture of today so far."""
    panel = current_panel()
    timezone = panel.config.timezone
    counts = panel.login_counts.today(panel.database, now=now(), timezone=timezone)
    return draw(counts, panel.login_counts.usual(panel.database, today=today(), timezone=timezone))


def draw(counts: Sequence[Count], usual: Usual) -> BellChart:
    """Lays out the counts of a day, which begin at seven o'clock, beside the usual day."""
    hours = max(-(-len(counts) // _STEPS_AN_HOUR), _HOURS)
    steps = hours * _STEPS_AN_HOUR
    minutes = range(_BEGINS_AT, _BEGINS_AT + steps * _STEP_MINUTES, _STEP_MINUTES)
    highest = max((each.granted + each.refused for each in counts), default=0)
    top = round_up(max(highest, *(usual.granted.get(minute, 0) for minute in minutes)))
    return BellChart(
        tuple(_bars(counts, usual, HEIGHT / top)),
        _line(usual, minutes, HEIGHT / top),
        tuple(range(BEGINS.hour, BEGINS.hour + hours)),
        width=steps * BAR,
        top=top,
        granted=sum(each.granted for each in counts),
        refused=sum(each.refused for each in counts),
        usual_days=usual.days,
    )


def _bars(counts: Sequence[Count], usual: Usual, scale: float) -> Iterator[Bar]:
    for number, each in enumerate(counts):
        mean = usual.granted.get(_BEGINS_AT + number * _STEP_MINUTES, 0.0)
        yield Bar(
            each.at,
            each.granted,
            each.refused,
            round(mean) if usual.days else None,
            x=number * BAR,
            granted_height=round(each.granted * scale, 1),
            refused_height=round(each.refused * scale, 1),
        )


def _line(usual: Usual, minutes: range, scale: float) -> str:
    if not usual.days:
        return ""
    heights = (HEIGHT - usual.granted.get(minute, 0) * scale for minute in minutes)
    return " ".join(f"{(number + 0.5) * BAR:g},{height:.1f}" for number, height in enumerate(heights))


def round_up(highest: float) -> int:
    """Returns the end of a scale: 5, 10, 20, 50, 100 and so on."""
    size = 1
    while True:
        for step in (5, 10, 20):
            if highest <= step * size:
                return step * size
        size *= 10

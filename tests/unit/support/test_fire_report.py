"""What a run under fire says of memory, and that a kept one can be judged anew."""

from pathlib import Path

import pytest

from tests.support.fire.checker import check
from tests.support.fire.history import History, Memory
from tests.support.fire.report import growth, read_kept
from workbench import ROOT

KEPT = sorted(ROOT.glob("bench/results/*-under-fire-*.jsonl.xz"))
OLD, YOUNG = 1000.0, 10.0  # seconds that a part has run


def history_of(sizes: list[int], ages: list[float]) -> History:
    """A run in which the panel had these sizes, each some seconds after the last."""
    samples = zip(sizes, ages, strict=True)
    return History(
        memory=[Memory(at, {"panel": size}, {"panel": age}) for at, (size, age) in enumerate(samples)]
    )


def test_what_grows_in_the_first_quarter_only_is_flat() -> None:
    """For caches fill."""
    assert growth(history_of([*range(10), *[10] * 30], [OLD] * 40)) == {"panel": 1}


def test_what_goes_on_growing_is_said() -> None:
    """By the last quarter's median in relation to the second's."""
    assert growth(history_of([*[10] * 20, *[30] * 20], [OLD] * 40)) == {"panel": 3}


def test_a_part_that_was_started_anew_is_compared_once_it_has_settled() -> None:
    """Or else a kill would look as if memory were given back, and the time after it as if it grew."""
    sizes, ages = [20, 20, 20, 20, 2, 3, 4, 20, 20, 20] * 4, [OLD] * 4 + [YOUNG] * 3 + [OLD] * 3
    assert growth(history_of(sizes, ages * 4)) == {"panel": 1}


@pytest.mark.parametrize("ages", [[OLD] * 12, [YOUNG] * 40])
def test_too_few_samples_say_nothing(ages: list[float]) -> None:
    """Neither of a short run nor of a part that never ran for long."""
    assert growth(history_of([10] * len(ages), ages)) == {}


@pytest.mark.parametrize("place", KEPT, ids=lambda place: place.name)
def test_what_was_kept_of_a_release_can_be_judged_anew(place: Path) -> None:
    """By the checker of today, with the result that stands beside it."""
    history = read_kept(place)
    assert history.logins
    result = place.with_name(place.name.replace(".jsonl.xz", ".txt")).read_text()
    assert f"Wrong: {len(check(history))}\n" in result

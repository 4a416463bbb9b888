"""Lets every part fail for hours, alone and together: no verdict is untrue, no change is lost.

FIRE_SECONDS and FIRE_SEED choose another run; the same seed makes the same faults.
"""

import os
from pathlib import Path

import pytest

from authbridge import __version__
from tests.support.fire.checker import check
from tests.support.fire.history import Command, History
from tests.support.fire.report import describe, growth, keep
from tests.support.fire.runs import put_under_fire
from tests.support.fire.stores import STORES
from tests.support.fire.world import open_world
from tests.support.login_server import NEWER, OLDER
from workbench import ROOT

SECONDS = float(os.environ.get("FIRE_SECONDS", "14400"))
SEED = int(os.environ.get("FIRE_SEED", "17"))
GROWTH = 1.25
HOUR = 3600

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("store", STORES)
async def test_hours_under_fire(store: str, tmp_path: Path) -> None:
    """No untrue verdict, no acknowledged change lost, no session that stays or is cut; flat memory."""
    history = History()
    try:
        with open_world(dict.fromkeys([OLDER, NEWER]), STORES[store], tmp_path) as world:
            await put_under_fire(world, history, SEED, SECONDS)
    finally:  # also of a run in which something did not come back
        violations = check(history)
        text = describe(history, violations, SEED)
        print(text)  # noqa: T201 - the soak's report
        keep(history, text, ROOT / "bench/results" / f"{__version__}-under-fire-{store}-{SEED}")

    assert violations == []
    half = max(calm.ended for calm in history.calms) / 2
    late = {change.command for change in history.changes if change.is_acknowledged and change.began > half}
    assert late == set(Command), "staff could do all of it to the end"
    grown = growth(history)
    if SECONDS >= HOUR:
        assert grown.keys() == history.memory[-1].parts.keys(), "there are enough samples of each part"
    assert {part: ratio for part, ratio in grown.items() if ratio > GROWTH} == {}

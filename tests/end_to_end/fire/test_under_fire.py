"""No login gets an untrue verdict while parts fail: a short run of what `make soak` does for hours."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from tests.support.fire.checker import check
from tests.support.fire.history import History, Verdict
from tests.support.fire.runs import put_under_fire
from tests.support.fire.stores import STORES
from tests.support.fire.world import open_world
from tests.support.login_server import NEWER, OLDER
from workbench import CACHE

SECONDS = 10
SEED = 1


@pytest.mark.parametrize("store", STORES)
async def test_nobody_is_told_anything_untrue(store: str, tmp_path: Path) -> None:
    """Every verdict and every end of a session agrees with the changes that were acknowledged.

    What contradicts them is named; the same history with lies in it is not believed.
    """
    history = History()
    with open_world(dict.fromkeys([OLDER, NEWER]), STORES[store], tmp_path) as world:
        await put_under_fire(world, history, SEED, SECONDS)
    kept = CACHE / f"under-fire-{store}.jsonl"
    kept.write_text("\n".join(history.lines()), encoding="utf-8")

    assert check(history) == [], f"python -m tests.support.fire {kept}"

    verdicts = Counter(login.verdict for login in history.logins)
    assert min(verdicts[each] for each in (Verdict.GRANTED, Verdict.SUSPENDED, Verdict.REFUSED)) > 0
    assert history.faults
    lies = {Verdict.SUSPENDED: Verdict.GRANTED}
    history.logins = [
        dataclasses.replace(login, verdict=lies.get(login.verdict, login.verdict)) for login in history.logins
    ]
    assert check(history) != []

"""What a run showed, in some lines for people; and the run itself, kept beside them."""

import lzma
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.fire.checker import Violation
from tests.support.fire.history import History, Memory, read

_FEWEST = 4  # samples of memory in a quarter of the run, with which it can be compared with another
_SETTLED = 120.0  # seconds, after which a process has filled its caches and a Prosody forgets as it learns


def growth(history: History) -> dict[str, float]:
    """Returns by how much each part's memory grew from the second quarter of the run to the last, as a ratio.

    A part that was started anew less than two minutes before is left out: it fills its caches, and how young
    it is says more of its size than how late it is.  So are parts of which too few samples are left.
    """
    quarter = len(history.memory) // 4
    earlier, later = (
        _settled(some) for some in (history.memory[quarter : 2 * quarter], history.memory[-quarter:])
    )
    return {
        part: statistics.median(later[part]) / statistics.median(earlier[part])
        for part in earlier
        if min(len(earlier[part]), len(later[part])) >= _FEWEST
    }


def _settled(samples: Sequence[Memory]) -> dict[str, list[int]]:
    sizes: dict[str, list[int]] = defaultdict(list)
    for each in samples:
        for part, size in each.parts.items():
            if each.ages[part] >= _SETTLED:
                sizes[part].append(size)
    return sizes


def describe(history: History, violations: Sequence[Violation], seed: int) -> str:
    """Returns what happened, how often, and what was wrong."""
    return "\n".join(_lines(history, violations, seed)) + "\n"


def _lines(history: History, violations: Sequence[Violation], seed: int) -> Iterator[str]:
    end = max((calm.ended for calm in history.calms), default=0.0)
    yield f"Seed {seed}, {end / 60:.0f} minutes, {len(history.faults)} faults, {len(history.calms)} calms"
    yield f"Wrong: {len(violations)}"
    yield from (f"  {violation}" for violation in violations)
    yield _counted("Logins", Counter(str(login.verdict) for login in history.logins))
    done = Counter(f"{each.command}" for each in history.changes if each.is_acknowledged)
    yield _counted("Acknowledged changes", done)
    yield f"Changes without an answer: {len(history.changes) - done.total()}"
    yield f"Sessions: {len(history.sessions)}, ended by a Prosody: {sum(x.cut for x in history.sessions)}"
    yield _counted("Faults", Counter(fault.what for fault in history.faults))
    for part, ratio in growth(history).items():
        last = next(each.parts[part] for each in reversed(history.memory) if part in each.parts)
        yield f"Memory of {part}: {last / 1e6:.0f} MB at the end, last quarter ×{ratio:.2f} of the second"


def _counted(title: str, counts: Counter[str]) -> str:
    return f"{title}: {counts.total()}: " + ", ".join(f"{key} {count}" for key, count in counts.most_common())


def keep(history: History, text: str, place: Path) -> None:
    """Writes the text to ``place`` with ``.txt``, and the packed history beside it with ``.jsonl.xz``."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_name(f"{place.name}.txt").write_text(text, encoding="utf-8")
    lines = "".join(f"{line}\n" for line in history.lines())
    place.with_name(f"{place.name}.jsonl.xz").write_bytes(lzma.compress(lines.encode()))


def read_kept(place: Path) -> History:
    """Reads a history that was kept, packed with xz or not."""
    content = place.read_bytes()
    text = (lzma.decompress(content) if place.suffix == ".xz" else content).decode()
    return read(text.splitlines())

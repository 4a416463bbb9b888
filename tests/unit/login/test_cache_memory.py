"""What one process leaves of the password cache to the next: whole, or nothing of it."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.login.cache_memory import Block, CacheMemory, Layout
from authbridge.login.limits import Limits
from authbridge.login.password_cache import PasswordCache, layout_of
from authbridge.login.policy import CacheResult
from tests.support.fakes import MORNING

LAYOUT = Layout(right=4, wrong=3)
SLOT = 44  # bytes
MINUTE = timedelta(minutes=1)

Entries = dict[int, tuple[bytes, float]]  # by slot


class Write(NamedTuple):
    """One write of a table: a slot, and its new entry; None empties it."""

    slot: int
    entry: tuple[bytes, float] | None


class RecordedBlock(bytearray):
    """A block that notes each byte written, in order."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.written: list[tuple[int, int]] = []

    def __setitem__(self, part: SupportsIndex | slice, value: object) -> None:
        """Writes; as the cache does, always slices."""
        assert isinstance(part, slice)
        assert isinstance(value, bytes)
        self.written += enumerate(value, part.start or 0)
        super().__setitem__(part, value)


def make_block(layout: Layout = LAYOUT) -> bytearray:
    """A block in use: two verified passwords and a wrong one."""
    block = bytearray(layout.size)
    memory, _ = CacheMemory.resume(block, layout)
    memory.right.write(0, b"a" * 32, 100.0)
    memory.right.write(2, b"b" * 32, 50.0)
    memory.wrong.write(1, b"c" * 32, 70.0)
    return block


def contents(memory: CacheMemory) -> list[Entries]:
    """What both tables hold."""
    return [
        {entry.slot: (entry.cache_key, entry.used) for entry in table.entries()}
        for table in (memory.right, memory.wrong)
    ]


def test_the_next_process_finds_key_and_entries() -> None:
    """Nothing is odd about a block that was left in order."""
    block = make_block()
    key = CacheMemory(block, LAYOUT).key

    memory, fault = CacheMemory.resume(block, LAYOUT)

    assert fault is None
    assert memory.key == key
    assert contents(memory) == [{0: (b"a" * 32, 100.0), 2: (b"b" * 32, 50.0)}, {1: (b"c" * 32, 70.0)}]


def test_a_new_block_gets_a_random_key() -> None:
    """It is empty, which is not odd."""
    memories = [CacheMemory.resume(bytearray(LAYOUT.size), LAYOUT) for _ in range(2)]

    assert [fault for _, fault in memories] == [None, None]
    assert len({memory.key for memory, _ in memories}) == 2
    assert contents(memories[0][0]) == [{}, {}]


def _sign_header(block: Block) -> None:
    """Makes the header's checksum right again."""
    block[52:56] = struct.pack("<I", zlib.crc32(block[:52], 0))


def _make_older(block: bytearray) -> None:
    block[8:12] = struct.pack("<I", 0)
    _sign_header(block)


def _scribble(place: int) -> Callable[[bytearray], None]:
    def scribble(block: bytearray) -> None:
        block[place] ^= 0x40

    return scribble


def _swap_slots(block: bytearray) -> None:
    first = LAYOUT.start_of_right + 4
    third = first + 2 * SLOT
    block[first : first + SLOT], block[third : third + SLOT] = (
        block[third : third + SLOT],
        block[first : first + SLOT],
    )


def _repeat_entry(block: bytearray) -> None:
    CacheMemory(block, LAYOUT).right.write(3, b"a" * 32, 100.0)


def _name_no_slot(block: bytearray) -> None:
    block[LAYOUT.start_of_wrong : LAYOUT.start_of_wrong + 4] = struct.pack("<I", 4)


def _damage_another_slot_than_the_named(block: bytearray) -> None:
    block[LAYOUT.start_of_right : LAYOUT.start_of_right + 4] = struct.pack("<I", 1)
    _scribble(LAYOUT.start_of_right + 4 + 2 * SLOT)(block)


def _erase_header(block: bytearray) -> None:
    block[:56] = bytes(56)


@pytest.mark.parametrize(
    ("make_odd", "fault"),
    [
        pytest.param(_make_older, "version 0 instead of 1", id="an older layout"),
        pytest.param(_scribble(0), "no password cache", id="another magic"),
        pytest.param(_scribble(20), "header is damaged", id="a scribble on the key"),
        pytest.param(_scribble(53), "header is damaged", id="a scribble on the header's checksum"),
        pytest.param(_erase_header, "no header", id="a header that was erased"),
        pytest.param(_scribble(60), "right passwords: slot 0 is damaged", id="a scribble on a cache key"),
        pytest.param(_scribble(60 + 32), "right passwords: slot 0 is damaged", id="a scribble on a time"),
        pytest.param(_scribble(60 + SLOT), "right passwords: slot 1 is damaged", id="a scribble on no entry"),
        pytest.param(_swap_slots, "right passwords: slot 0 is damaged", id="slots that changed places"),
        pytest.param(_repeat_entry, "right passwords: an entry is there twice", id="an entry twice"),
        pytest.param(
            _name_no_slot, "wrong passwords: a write was interrupted", id="a word that names no slot"
        ),
        pytest.param(
            _damage_another_slot_than_the_named,
            "slot 2 is damaged",
            id="a damage besides the interrupted write",
        ),
    ],
)
def test_what_is_odd_is_discarded(make_odd: Callable[[bytearray], None], fault: str) -> None:
    """Nothing of it is left, and the reason names no content."""
    block = make_block()
    key = CacheMemory(block, LAYOUT).key
    make_odd(block)

    memory, told = CacheMemory.resume(block, LAYOUT)

    assert told is not None
    assert fault in told
    assert contents(memory) == [{}, {}]
    assert memory.key != key
    assert not any(secret in block for secret in (key, b"a" * 32, b"b" * 32, b"c" * 32))


def test_a_block_for_other_limits_is_discarded() -> None:
    """Also where both need as many bytes."""
    layout = Layout(right=LAYOUT.wrong, wrong=LAYOUT.right)

    memory, fault = CacheMemory.resume(make_block(), layout)

    assert fault == "it was made for other limits"
    assert contents(memory) == [{}, {}]


_ENTRIES = st.tuples(st.binary(min_size=32, max_size=32), st.floats(0, 2e9))
_WRITES = st.builds(Write, st.integers(0, LAYOUT.right - 1), st.none() | _ENTRIES)


def perform(memory: CacheMemory, write: Write) -> None:
    """Does it, in the table of verified passwords."""
    if write.entry is None:
        memory.right.clear(write.slot)
    else:
        memory.right.write(write.slot, *write.entry)


@given(history=st.lists(_WRITES, max_size=6, unique_by=lambda write: write.entry), last=_WRITES)
def test_a_write_may_be_interrupted_at_any_byte(history: list[Write], last: Write) -> None:
    """Every other entry is whole; the one that was being written is the old one, the new one, or gone."""
    block = RecordedBlock(LAYOUT.size)
    memory, _ = CacheMemory.resume(block, LAYOUT)
    for write in history:
        perform(memory, write)
    before, written_before = contents(memory)[0], len(block.written)
    image = bytearray(block)
    perform(memory, last)
    after = contents(memory)[0]
    others = {slot: entry for slot, entry in before.items() if slot != last.slot}
    if len({key for key, _ in after.values()}) < len(after):
        return  # the cache never writes an entry twice

    for place, value in [(0, image[0]), *block.written[written_before:]]:
        image[place] = value
        resumed, fault = CacheMemory.resume(bytearray(image), LAYOUT)
        assert fault is None
        assert resumed.key == memory.key
        assert contents(resumed)[0] in (before, after, others)


def test_an_interrupted_beginning_leaves_nothing() -> None:
    """A process that is killed before it wrote the whole header leaves an empty cache."""
    block = RecordedBlock(LAYOUT.size)
    CacheMemory.resume(block, LAYOUT)
    image = bytearray(LAYOUT.size)

    for place, value in block.written:
        image[place] = value
        resumed, _ = CacheMemory.resume(bytearray(image), LAYOUT)
        assert contents(resumed) == [{}, {}]
        assert any(resumed.key)


class Lives:
    """One block, and the caches of the processes that use it in turn."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.layout = layout_of(limits, remember=True)
        self.block = bytearray(self.layout.size)

    def begin(self) -> PasswordCache:
        """Makes the cache of the next process."""
        memory, fault = CacheMemory.resume(self.block, self.layout)
        assert fault is None
        return PasswordCache(self.limits, remember=True, memory=memory)


LIMITS = replace(Limits(), remembered_entries=3, repeated_entries=2)


def recall(cache: PasswordCache, words: str, *, minutes: float = 0) -> list[CacheResult]:
    """What the cache knows of each password, so long after the morning."""
    at = MORNING + minutes * MINUTE
    return [
        cache.recall(cache.cache_key("right", word), cache.cache_key("wrong", word), at) for word in words
    ]


def learn(cache: PasswordCache, words: str, *, right: bool = True, minutes: float = 0) -> None:
    """Each password was checked, one a minute."""
    note, kind = (cache.note_right, "right") if right else (cache.note_wrong, "wrong")
    for number, word in enumerate(words):
        note(cache.cache_key(kind, word), MORNING + (minutes + number) * MINUTE)


def test_a_restart_under_a_supervisor_is_warm() -> None:
    """What was right and what was wrong stay so."""
    lives = Lives(LIMITS)
    first = lives.begin()
    learn(first, "ab")
    learn(first, "x", right=False)

    assert recall(lives.begin(), "abx") == [CacheResult.RIGHT, CacheResult.RIGHT, CacheResult.WRONG]


def test_the_times_survive_too() -> None:
    """A verified password counts seven days from its last use in any life; a wrong one 24 hours."""
    lives = Lives(LIMITS)
    day = 24 * 60
    learn(lives.begin(), "a")
    learn(lives.begin(), "x", right=False)

    assert recall(lives.begin(), "ax", minutes=1) == [CacheResult.RIGHT, CacheResult.WRONG]
    assert recall(lives.begin(), "x", minutes=day + 1) == [CacheResult.NONE]
    assert recall(lives.begin(), "a", minutes=7 * day + 1) == [CacheResult.RIGHT]
    assert recall(lives.begin(), "a", minutes=14 * day + 2) == [CacheResult.NONE]


def test_the_longest_unused_goes_first_in_the_next_life_too() -> None:
    """Use counts, not the place in the block."""
    lives = Lives(LIMITS)
    first = lives.begin()
    learn(first, "abc")
    recall(first, "a", minutes=5)
    second = lives.begin()
    learn(second, "d", minutes=6)

    expected = [CacheResult.RIGHT, CacheResult.NONE, CacheResult.RIGHT, CacheResult.RIGHT]
    assert recall(second, "abcd", minutes=7) == expected
    assert recall(lives.begin(), "abcd", minutes=7) == expected


def test_a_slot_that_became_free_is_used_again() -> None:
    """An entry that expired makes room, in this life and in the next."""
    lives = Lives(replace(LIMITS, remembered=10 * MINUTE))
    first = lives.begin()
    learn(first, "abc")
    assert recall(first, "a", minutes=11) == [CacheResult.NONE]
    second = lives.begin()
    learn(second, "d", minutes=11)

    assert recall(second, "bcd", minutes=11) == [CacheResult.RIGHT] * 3


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(-5, CacheResult.RIGHT, id="by five minutes"),
        pytest.param(-6, CacheResult.NONE, id="by six minutes"),
    ],
)
def test_a_clock_that_was_set_back_lets_nothing_live_longer(minutes: float, expected: CacheResult) -> None:
    """An entry from the future is forgotten; small corrections of the clock do no harm."""
    cache = Lives(LIMITS).begin()
    learn(cache, "a")

    assert recall(cache, "a", minutes=minutes) == [expected]
    assert recall(cache, "a") == [expected]


def test_turned_off_the_next_process_finds_no_verified_passwords() -> None:
    """The setting changes the layout: what was remembered is wiped."""
    lives = Lives(LIMITS)
    learn(lives.begin(), "a")
    layout = layout_of(LIMITS, remember=False)
    block = lives.block[: layout.size]

    memory, fault = CacheMemory.resume(block, layout)

    assert fault == "it was made for other limits"
    assert contents(memory) == [{}, {}]
    assert memory.right.capacity == 0

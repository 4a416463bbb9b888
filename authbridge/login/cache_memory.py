"""Lays the password cache out in one block of memory, as one process leaves it to the next: key and tables.

It judges a block before it believes it, and never decides how long an entry counts.  A process may be killed
at any byte of a write: a word of the table names the slot that is being written, so that slot alone is lost.
"""

import mmap
import secrets
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

_MAGIC = b"ABcache\n"
_VERSION = 1  # raise it with any change of the structures below, or of what an entry says

_HEADER = struct.Struct("<8sIII32s")  # magic, version, both capacities, key
_CHECKSUM = struct.Struct("<I")  # CRC-32 of the header
_WORD = struct.Struct("<I")  # 0, or one more than the number of the slot that is being written
_CONTENT = struct.Struct("<32sd")  # cache key; last use in seconds since 1970
_SLOT = struct.Struct(f"<{_CONTENT.size}sI")  # content; CRC-32 of it at this place
_EMPTY, _NOTHING = bytes(_SLOT.size), bytes(_CONTENT.size)  # a slot, a content

_KEY_BYTES = 32

Block = bytearray | mmap.mmap


class Entry(NamedTuple):
    """One remembered password; they sort by their last use."""

    used: float  # seconds since 1970
    slot: int
    cache_key: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """How many slots each table has."""

    right: int
    wrong: int

    @property
    def size(self) -> int:
        """Returns the bytes of the whole block."""
        return self.start_of_wrong + _WORD.size + self.wrong * _SLOT.size

    @property
    def start_of_right(self) -> int:
        """Returns where the table of verified passwords begins, in bytes."""
        return _HEADER.size + _CHECKSUM.size

    @property
    def start_of_wrong(self) -> int:
        """Returns where the table of wrong passwords begins, in bytes."""
        return self.start_of_right + _WORD.size + self.right * _SLOT.size


class SlotTable:
    """One table; its user serialises the writes and knows which slots are free."""

    def __init__(self, block: Block, start: int, capacity: int) -> None:
        self._block = block
        self._start = start
        self.capacity = capacity

    def write(self, slot: int, cache_key: bytes, used: float) -> None:
        """Writes an entry over whatever the slot holds; ``used``: seconds since 1970."""
        content = _CONTENT.pack(cache_key, used)
        self._put(slot, _SLOT.pack(content, zlib.crc32(content, slot)))

    def clear(self, slot: int) -> None:
        """Empties a slot."""
        self._put(slot, _EMPTY)

    def used(self, slot: int) -> float:
        """Returns when the entry was used last, in seconds since 1970."""
        used: float = _CONTENT.unpack_from(self._block, self._place(slot))[1]
        return used

    def entries(self) -> Iterator[Entry]:
        """Yields what the slots hold, in their order."""
        for slot, content, checksum in self._slots():
            if not _is_empty(content, checksum):
                cache_key, used = _CONTENT.unpack(content)
                yield Entry(used, slot, cache_key)

    def fault(self) -> str | None:
        """Says what is odd; a slot whose write was interrupted is not."""
        interrupted = self._word() - 1
        if interrupted >= self.capacity:
            return "a write was interrupted in a slot that is none"
        for slot, content, checksum in self._slots():
            if not _is_whole(slot, content, checksum) and slot != interrupted:
                return f"slot {slot} is damaged"
        keys = [entry.cache_key for entry in self.entries() if entry.slot != interrupted]
        return None if len(set(keys)) == len(keys) else "an entry is there twice"

    def repair(self) -> None:
        """Empties the slot whose write was interrupted, unless it is whole."""
        slot = self._word() - 1
        if slot >= 0 and not _is_whole(slot, *_SLOT.unpack_from(self._block, self._place(slot))):
            self.clear(slot)
        self._name(0)

    def _put(self, slot: int, content: bytes) -> None:
        # In this order: a process that is killed in between damages no slot but the one that the word names.
        self._name(slot + 1)
        place = self._place(slot)
        self._block[place : place + _SLOT.size] = content
        self._name(0)

    def _name(self, word: int) -> None:
        self._block[self._start : self._start + _WORD.size] = _WORD.pack(word)

    def _word(self) -> int:
        word: int = _WORD.unpack_from(self._block, self._start)[0]
        return word

    def _slots(self) -> Iterator[tuple[int, bytes, int]]:
        """Yields number, content and checksum of each."""
        table = self._block[self._place(0) : self._place(self.capacity)]
        return (
            (slot, content, checksum) for slot, (content, checksum) in enumerate(_SLOT.iter_unpack(table))
        )

    def _place(self, slot: int) -> int:
        return self._start + _WORD.size + slot * _SLOT.size


class CacheMemory:
    """The key and the tables of one block, which is known to be in order."""

    def __init__(self, block: Block, layout: Layout) -> None:
        self.key: bytes = _HEADER.unpack_from(block)[4]
        self.right = SlotTable(block, layout.start_of_right, layout.right)
        self.wrong = SlotTable(block, layout.start_of_wrong, layout.wrong)

    @classmethod
    def private(cls, layout: Layout) -> Self:
        """Makes one of this process alone, which ends with it; no core dump holds it."""
        block = mmap.mmap(-1, layout.size)
        block.madvise(mmap.MADV_DONTDUMP)
        _begin(block, layout)
        return cls(block, layout)

    @classmethod
    def resume(cls, block: Block, layout: Layout) -> tuple[Self, str | None]:
        """Takes a block over as another process left it; whatever is odd is wiped, and the cache begins anew.

        Args:
            block: As long as the layout says.
            layout: For which this process is made.

        Returns:
            The memory, and what was odd; None for a block in order and for one that was never used.
        """
        fault = _fault_of(block, layout)
        if fault is not None or not any(_header(block)):
            block[:] = bytes(len(block))
            _begin(block, layout)
        memory = cls(block, layout)
        memory.right.repair()
        memory.wrong.repair()
        return memory, fault


def _begin(block: Block, layout: Layout) -> None:
    """Writes a header with a new key into a block of zeros."""
    header = _HEADER.pack(_MAGIC, _VERSION, layout.right, layout.wrong, secrets.token_bytes(_KEY_BYTES))
    block[: layout.start_of_right] = header + _checksum(header)


def _fault_of(block: Block, layout: Layout) -> str | None:
    if not any(_header(block)):
        return None if block[:] == bytes(len(block)) else "it has entries, but no header"
    return _fault_of_header(_header(block), layout) or _fault_of_tables(CacheMemory(block, layout))


def _fault_of_header(header: bytes, layout: Layout) -> str | None:
    magic, version, right, wrong, _ = _HEADER.unpack_from(header)
    if magic != _MAGIC:
        return "it is no password cache"
    if version != _VERSION:
        return f"its layout is version {version} instead of {_VERSION}"
    if header != header[: _HEADER.size] + _checksum(header[: _HEADER.size]):
        return "its header is damaged"
    return None if (right, wrong) == (layout.right, layout.wrong) else "it was made for other limits"


def _fault_of_tables(memory: CacheMemory) -> str | None:
    for name, table in (("right", memory.right), ("wrong", memory.wrong)):
        if (fault := table.fault()) is not None:
            return f"{name} passwords: {fault}"
    return None


def _header(block: Block) -> bytes:
    return bytes(block[: _HEADER.size + _CHECKSUM.size])


def _is_whole(slot: int, content: bytes, checksum: int) -> bool:
    return checksum == zlib.crc32(content, slot) or _is_empty(content, checksum)


def _is_empty(content: bytes, checksum: int) -> bool:
    return checksum == 0 and content == _NOTHING


def _checksum(header: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(header))

"""How many passwords this machine could check at best: bcrypt alone, with as many threads as cores."""

import asyncio
import os
import time

import bcrypt

CORES = os.cpu_count() or 1
_SECONDS = 3.0
_PASSWORD = b"vpgdkxwjrhms"


async def measure(cost: int) -> float:
    """Checks a second, of all cores together."""
    stored = bcrypt.hashpw(_PASSWORD, bcrypt.gensalt(cost))
    rates = await asyncio.gather(*(asyncio.to_thread(_check, stored) for _ in range(CORES)))
    return sum(rates)


def _check(stored: bytes) -> float:
    started = time.perf_counter()
    count = 0
    while (taken := time.perf_counter() - started) < _SECONDS:
        bcrypt.checkpw(_PASSWORD, stored)
        count += 1
    return count / taken

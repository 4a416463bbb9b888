"""``python -m bench.storm PORT HOST CONDITION BATCH``: 50 logins in two seconds, again and again.

They begin one by one (BATCH 1: the next 40 ms later) or all at once (BATCH 50), until standard input
is closed.  A process of its own, so that its work is not measured as Prosody's.  Exit code 1 if a
login ended with another condition than the one named, or none ended at all.
"""

import asyncio
import sys
from collections import Counter

from bench.peers import MEMBER
from workbench.xmpp import Client, ConnectionEndedError, TcpTransport

LOGINS = 50
PERIOD = 2.0  # seconds


async def _login(port: int, host: str) -> str:
    try:
        async with Client(TcpTransport(port, host), host) as client:
            return (await client.login(MEMBER.username, MEMBER.password)).condition
    except (ConnectionEndedError, OSError) as error:
        return type(error).__name__


async def _storm(port: int, host: str, batch: int, told_to_end: asyncio.Task[str]) -> Counter[str]:
    logins: list[asyncio.Task[str]] = []
    loop = asyncio.get_running_loop()
    tick = loop.time()
    while not told_to_end.done():
        logins += [asyncio.create_task(_login(port, host)) for _ in range(batch)]
        tick += PERIOD * batch / LOGINS
        await asyncio.wait([told_to_end], timeout=max(0, tick - loop.time()))
    return Counter(login.result() for login in logins if login.done())


async def _main(port: int, host: str, expected: str, batch: int) -> int:
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    conditions = await _storm(port, host, batch, told_to_end)
    print(dict(conditions), flush=True)
    return 0 if set(conditions) == {expected} else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))))

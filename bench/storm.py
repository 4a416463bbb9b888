"""``python -m bench.storm PORT HOST CONDITION``: 50 logins every two seconds until told to end.

A process of its own, so that its work is not measured as Prosody's.  Ends with exit code 1 if a login
ends with another condition than the one named.
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


async def _storm(port: int, host: str, told_to_end: asyncio.Task[str]) -> Counter[str]:
    logins: list[asyncio.Task[str]] = []
    while not told_to_end.done():
        logins += [asyncio.create_task(_login(port, host)) for _ in range(LOGINS)]
        await asyncio.wait([told_to_end], timeout=PERIOD)
    return Counter(await asyncio.gather(*logins))


async def _main(port: int, host: str, expected: str) -> int:
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    conditions = await _storm(port, host, told_to_end)
    print(dict(conditions))
    return 0 if set(conditions) == {expected} else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]), sys.argv[2], sys.argv[3])))

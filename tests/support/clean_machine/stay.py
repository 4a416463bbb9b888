"""``python -m tests.support.clean_machine.stay HOST NAME``: stays logged in until standard input ends.

The password is its first line.  It writes a line when it is in, and another at the end if it still is.
"""

import asyncio
import sys

from workbench.xmpp import Client
from workbench.xmpp_http import BoshTransport

_PAUSE = 2.0  # seconds between two pings; nginx gives up a connection on which nothing comes


async def _stay(host: str, name: str, password: str) -> None:
    async with Client(BoshTransport(443, host, {"Host": host}, scheme="https"), host) as client:
        sys.stdout.write(f"{(await client.login(name, password)).condition} {await client.bind()}\n")
        sys.stdout.flush()
        end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not end.done():
            await client.ping()
            await asyncio.wait([end], timeout=_PAUSE)
        await client.ping()
    sys.stdout.write("still in\n")


if __name__ == "__main__":
    asyncio.run(_stay(sys.argv[1], sys.argv[2], sys.stdin.readline().strip()))

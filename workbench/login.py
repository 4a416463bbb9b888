"""``python -m workbench.login NAME``: one login at the demo's Prosody; tells how it ended."""

import argparse
import asyncio
import getpass
import sys

from workbench.prosody import HOST
from workbench.xmpp import Client, Outcome, TcpTransport


async def _login(port: int, username: str, password: str) -> Outcome:
    async with Client(TcpTransport(port, HOST), HOST) as client:
        return await client.login(username, password)


def main() -> int:
    """Asks for the password; the exit code is 0 if it was a success."""
    parser = argparse.ArgumentParser(prog="workbench.login")
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=15222)
    arguments = parser.parse_args()
    try:
        outcome = asyncio.run(_login(arguments.port, arguments.name, getpass.getpass("Passwort: ")))
    except ConnectionRefusedError:
        print("Nobody listens there: is “make run” running?", file=sys.stderr)
        return 1
    print(outcome.condition, *([outcome.text] if outcome.text else []), sep=": ")
    return 0 if outcome.condition == "success" else 1


if __name__ == "__main__":
    sys.exit(main())

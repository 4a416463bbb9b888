"""``python -m tests.support.clean_machine.login HOST SITE [NAME]``: logins over both ways that browsers have.

HOST is the XMPP domain, SITE the web site before it.  The password stands on standard input; without a name
it is a guest who logs in, or who comes with the token that stands there.  It tells how each login ended, as
JSON.
"""

import asyncio
import json
import sys

import aiohttp

from workbench.xmpp import Client, Transport
from workbench.xmpp_http import BoshTransport, WebSocketTransport


async def _login(transport: Transport, host: str, name: str, password: str) -> str:
    try:
        async with Client(transport, host) as client:
            outcome = await (client.login(name, password) if name else client.login_anonymously())
    except aiohttp.WSServerHandshakeError as error:
        return f"HTTP {error.status}"
    return outcome.condition


async def _logins(host: str, site: str, name: str, secret: str) -> dict[str, str]:
    headers, query = {"Host": site}, f"token={secret}" if secret and not name else ""
    ways: dict[str, Transport] = {
        "bosh": BoshTransport(443, host, headers, query=query, scheme="https"),
        "websocket": WebSocketTransport(443, host, headers, query=query, scheme="https"),
    }
    return {way: await _login(transport, host, name, secret) for way, transport in ways.items()}


def main() -> None:
    """Logs in at the Jitsi of this network."""
    host, site, *names = sys.argv[1:]
    told = asyncio.run(_logins(host, site, names[0] if names else "", sys.stdin.read().strip()))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()

"""``python -m bench.slow_service PORT SECONDS``: an auth service that takes its time and says no.

Speaks just enough HTTP for Prosody's questions on loopback.
"""

import asyncio
import json
import sys


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        question = json.loads(await reader.readexactly(length))
        await asyncio.sleep(seconds)
        writer.write(_response(question))
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass  # nobody there any more, a probe of the port, or another question than a login
    finally:
        writer.close()


def _response(question: dict[str, object]) -> bytes:
    answer = {name: question.get(name) for name in ("request_id", "username")}
    body = json.dumps({**answer, "verdict": "refused", "retry_after": None}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve(port: int, seconds: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _answer(reader, writer, seconds), "127.0.0.1", port, backlog=512
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))

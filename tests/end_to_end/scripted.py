"""A service that answers as a test says: late, rubbish, somebody else's question, or not at all."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Question = dict[str, Any]
Behaviour = Callable[[Question, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def scripted_service(port: int, behaviour: Behaviour) -> AsyncIterator[list[Question]]:
    """Listens on that port while the context lasts; yields the questions that arrived so far."""
    questions: list[Question] = []
    open_calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            open_calls.add(task)
            task.add_done_callback(open_calls.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            question = await _read_question(reader)
            questions.append(question)
            await behaviour(question, writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield questions
    finally:
        server.close()
        for task in list(open_calls):
            task.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)
        await server.wait_closed()


async def _read_question(reader: asyncio.StreamReader) -> Question:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    question: Question = json.loads(await reader.readexactly(length))
    return question


def http_answer(body: bytes, status: str = "200 OK") -> bytes:
    """A complete HTTP answer."""
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        len(body),
        body,
    )


def verdict(question: Question, word: str, **changes: object) -> bytes:
    """The body of an answer about that question."""
    answer = {
        "request_id": question["request_id"],
        "username": question["username"],
        "verdict": word,
        "retry_after": None,
    }
    return json.dumps(answer | changes).encode()


def answering(word: str, *, after: float = 0) -> Behaviour:
    """Answers properly with that verdict, after so many seconds."""

    async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        writer.write(http_answer(verdict(question, word)))

    return behave


def writing(make: Callable[[Question], bytes]) -> Behaviour:
    """Answers with those bytes and closes."""

    async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
        writer.write(make(question))

    return behave


async def hang(_question: Question, _writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def drop(_question: Question, _writer: asyncio.StreamWriter) -> None:
    """Closes without an answer."""

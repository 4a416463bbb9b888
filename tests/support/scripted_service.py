"""A service that answers as a test says: late, rubbish, somebody else's question, or not at all."""

import asyncio
import contextlib
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.call_server import CallServer

Question = dict[str, Any]
Behaviour = Callable[[Question, asyncio.StreamWriter], Awaitable[None]]


async def older(_question: Question, writer: asyncio.StreamWriter) -> None:
    """Answers as a service that has no feed."""
    writer.write(http_answer(b'{"error":"not found"}', "404 Not Found"))


async def living(_question: Question, writer: asyncio.StreamWriter) -> None:
    """Says that it lives, whatever becomes of the logins."""
    writer.write(http_answer(b'{"status":"ok"}'))


@contextlib.asynccontextmanager
async def scripted_service(
    place: int | socket.socket,
    behaviour: Behaviour,
    feed: Behaviour = older,
    health: Behaviour = living,
    tokens: Behaviour = older,
) -> AsyncIterator[list[Question]]:
    """Serves that port, or that listening socket, while the context lasts.

    Yields the questions about logins, by a password or by a token, that arrived so far.
    """
    questions: list[Question] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            path, question = await _read_question(reader)
            if path == "/v1/revocations":
                await _until_left(reader, feed(question, writer))
            elif path == "/healthz":
                await health(question, writer)
            else:
                questions.append(question)
                await (tokens if path == "/v1/token" else behaviour)(question, writer)
            await writer.drain()

    server = CallServer(serve)
    await server.listen(place)
    try:
        yield questions
    finally:
        await server.end()


async def _until_left(reader: asyncio.StreamReader, answering: Awaitable[None]) -> None:
    answer = asyncio.ensure_future(answering)
    left = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({answer, left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left.cancel()
        answer.cancel()
        await asyncio.gather(answer, left, return_exceptions=True)


async def _read_question(reader: asyncio.StreamReader) -> tuple[str, Question]:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    question: Question = json.loads(await reader.readexactly(lengths[0])) if lengths else {}
    return head.split(b" ", 2)[1].decode(), question


@dataclass
class Feed:
    """The feed of revocations as the real service keeps it; ``polls`` are the questions so far.

    ``ahead`` is by how many seconds its clock is ahead of everybody else's.
    """

    snapshot: list[dict[str, object]] = field(default_factory=list)
    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    polls: list[Question] = field(default_factory=list)
    open_polls: int = 0
    ahead: float = 0

    def __post_init__(self) -> None:
        self._events: list[dict[str, object]] = []
        self._changed = asyncio.Event()

    async def __call__(self, question: Question, writer: asyncio.StreamWriter) -> None:
        """Answers one poll."""
        self.polls.append(question)
        self._wake()
        self.open_polls += 1
        try:
            writer.write(http_answer(json.dumps(await self._answer(question)).encode()))
        finally:
            self.open_polls -= 1

    def tell(self, *orders: tuple[str, str]) -> int:
        """Adds these events, each an action and a username, at once; returns the id of the last."""
        for action, username in orders:
            event = {"id": len(self._events) + 1, "username": username, "action": action}
            self._events.append(event)
        self._wake()
        return len(self._events)

    async def report_of(self, event: int) -> dict[str, int]:
        """Returns the report about that event, once there is one."""
        while True:
            for poll in self.polls:
                for report in poll.get("done", []):
                    if poll["epoch"] == self.epoch and report["id"] == event:
                        counts: dict[str, int] = report
                        return counts
            await self._changed.wait()

    async def until_followed(self) -> None:
        """Returns when somebody asks what comes after all that has been told."""
        while not any(
            poll.get("epoch") == self.epoch and poll["cursor"] == len(self._events) for poll in self.polls
        ):
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _answer(self, question: Question) -> dict[str, object]:
        if question.get("epoch") != self.epoch:
            return {
                "epoch": self.epoch,
                "cursor": len(self._events),
                "at": time.time() + self.ahead,
                "snapshot": self.snapshot,
            }
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(question["wait"]):
                while len(self._events) <= question["cursor"]:
                    await self._changed.wait()
        return {
            "epoch": self.epoch,
            "cursor": len(self._events),
            "events": self._events[question["cursor"] :],
        }


def http_answer(body: bytes, status: str = "200 OK") -> bytes:
    """Returns a complete HTTP answer."""
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        len(body),
        body,
    )


def verdict(question: Question, word: str, **changes: object) -> bytes:
    """Returns the body of an answer to that question."""
    answer = {
        "request_id": question["request_id"],
        "username": question.get("username"),
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

"""A service that answers anything but properly lets nobody in, and is never told as a wrong password."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from authbridge.login.networks import parse_address
from authbridge.login.policy import Verdict
from authbridge.login_page import asking
from authbridge.login_page.asking import AuthService, LoginAnswer, TypedLogin
from tests.support.scripted_service import (
    Behaviour,
    Question,
    answering,
    drop,
    http_answer,
    scripted_service,
    verdict,
    writing,
)
from workbench.processes import PATIENCE, free_port

TOKEN = "aaaa.bbbb.cccc"
API_TOKEN = "MARKER-api-token" * 3
PASSWORD = "MARKER-passw0rd"


def login(**changes: str | None) -> TypedLogin:
    """What an organiser typed."""
    typed: dict[str, Any] = {
        "username": "ohg-kwtx",
        "password": PASSWORD,
        "shared": True,
        "ip": parse_address("198.51.100.7"),
        "user_agent": "Browser\u2011Nr. 5 " + "x" * 300,
    }
    return TypedLogin(**typed | changes)


def granting(**changes: object) -> Behaviour:
    """Answers "granted" with a token, but for what is changed."""
    return writing(lambda asked: http_answer(verdict(asked, "granted", **{"token": TOKEN, **changes})))


async def ask(behaviour: Behaviour, **typed: str | None) -> tuple[LoginAnswer, list[Question]]:
    """Asks a service that behaves like that."""
    port = free_port()
    service = AuthService(f"127.0.0.1:{port}", host="meet.test", api_token=API_TOKEN)
    async with scripted_service(port, behaviour) as questions:
        return await asyncio.to_thread(service.authenticate, login(**typed)), questions


async def test_the_question_is_that_of_the_contract() -> None:
    """As Prosody's module asks, and whether others use the device."""
    answer, (question,) = await ask(granting())

    assert answer == LoginAnswer(Verdict.GRANTED, token=TOKEN)
    assert len(question.pop("request_id")) == 16
    assert question.pop("user_agent") == ("Browser?Nr. 5 " + "x" * 300)[:256]
    assert question == {
        "host": "meet.test",
        "node": "page",
        "transport": "page",
        "username": "ohg-kwtx",
        "password": PASSWORD,
        "shared": True,
        "ip": "198.51.100.7",
        "within": 15,
    }


@pytest.mark.parametrize("word", ["refused", "suspended", "expired", "unavailable"])
async def test_a_verdict_is_handed_on(word: str) -> None:
    """And nothing with it: a token that came with a refusal is none."""
    answer, _ = await ask(writing(lambda asked: http_answer(verdict(asked, word, token=TOKEN))))
    assert answer == LoginAnswer(Verdict(word))


@pytest.mark.parametrize(("sent", "seconds"), [(28, 28), (None, None), (-1, None), ("28", None), (0, None)])
async def test_a_wait_has_its_seconds(sent: object, seconds: int | None) -> None:
    """Unless the service says none of use."""
    answer, _ = await ask(writing(lambda asked: http_answer(verdict(asked, "locked", retry_after=sent))))
    assert answer == LoginAnswer(Verdict.LOCKED, retry_after=seconds)


_FAULTS: dict[str, Callable[[Question], bytes]] = {
    "no token": lambda asked: http_answer(verdict(asked, "granted")),
    "a token that is none": lambda asked: http_answer(verdict(asked, "granted", token='"&x=#')),
    "a token of 4 KiB": lambda asked: http_answer(verdict(asked, "granted", token=f"a.b.{'c' * 4096}")),
    "another's answer": lambda asked: http_answer(
        verdict(asked, "granted", token=TOKEN, request_id="another")
    ),
    "an unknown word": lambda asked: http_answer(verdict(asked, "GRANTED", token=TOKEN)),
    "no object": lambda _asked: http_answer(b'["granted"]'),
    "too deep an object": lambda _asked: http_answer(b'{"verdict":' * 5000),
    "no JSON": lambda _asked: http_answer(b"granted"),
    "half an answer": lambda asked: http_answer(verdict(asked, "granted", token=TOKEN))[:-20],
    "no HTTP": lambda _asked: b"granted\r\n",
    "storage fails": lambda asked: http_answer(verdict(asked, "granted", token=TOKEN), "503 Unavailable"),
    "a foreign token": lambda _asked: http_answer(b'{"error":"token"}', "401 Unauthorized"),
    "a mebibyte": lambda asked: http_answer(verdict(asked, "granted", token=TOKEN, pad="x" * 2**20)),
}


@pytest.mark.parametrize("fault", _FAULTS)
async def test_a_fault_is_an_outage(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """Never a success, never "wrong password"; the log has the kind of the fault, and no secret."""
    caplog.set_level(logging.DEBUG)
    answer, _ = await ask(writing(_FAULTS[fault]))
    assert answer == LoginAnswer(Verdict.UNAVAILABLE)
    assert "the auth service gives no answer of use" in caplog.text
    assert not [secret for secret in (PASSWORD, API_TOKEN, TOKEN, "ohg-kwtx") if secret in caplog.text]


async def test_a_service_that_is_started_again_loses_no_login() -> None:
    """A connection that is dropped without an answer is tried again, as by Prosody's module."""
    times = 0

    async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
        nonlocal times
        times += 1
        await (drop if times == 1 else granting())(question, writer)

    answer, questions = await ask(behave)
    assert answer.token == TOKEN
    assert len(questions) == 2


async def test_nobody_there_is_an_outage() -> None:
    """Once patience has an end."""
    service = AuthService(f"127.0.0.1:{free_port()}", host="meet.test", api_token=API_TOKEN, patience=0)
    answer = await asyncio.to_thread(service.authenticate, login())
    assert answer.verdict is Verdict.UNAVAILABLE


async def test_while_the_service_hangs_only_one_login_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told at once, and leave threads to those who only open the form."""
    port, may_answer = free_port(), asyncio.Event()
    arrived: asyncio.Queue[Question] = asyncio.Queue()
    service = AuthService(f"127.0.0.1:{port}", host="meet.test", api_token=API_TOKEN)

    async def behave(question: Question, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(question)
        await may_answer.wait()
        await granting()(question, writer)

    async def verdict_of_login() -> Verdict:
        return (await asyncio.to_thread(service.authenticate, login())).verdict

    async with scripted_service(port, behave) as questions, asyncio.timeout(PATIENCE):
        with monkeypatch.context() as hasty:
            hasty.setattr(asking, "_WITHIN", 0)
            hasty.setattr(asking, "_SPARE", 0.01)  # seconds; it is never answered meanwhile
            assert await verdict_of_login() is Verdict.UNAVAILABLE
        await arrived.get()
        waiting = asyncio.ensure_future(verdict_of_login())
        await arrived.get()
        assert [await verdict_of_login() for _ in range(3)] == [Verdict.UNAVAILABLE] * 3
        assert len(questions) == 2
        may_answer.set()
        assert await waiting is Verdict.GRANTED
        assert await verdict_of_login() is Verdict.GRANTED


@pytest.mark.parametrize("typed", [{"username": "x" * 257}, {"password": "x" * 513}])
async def test_what_is_too_long_for_any_account_is_wrong(typed: dict[str, str]) -> None:
    """It fits into no question, and the service is not asked."""
    answer, questions = await ask(answering("unavailable"), **typed)
    assert (answer.verdict, questions) == (Verdict.REFUSED, [])


async def test_the_longest_fits_into_a_question() -> None:
    """Of characters that JSON writes in six."""
    _, (question,) = await ask(answering("refused"), username="\1" * 256, password="ü" * 512, user_agent=None)
    assert len(json.dumps(question)) < 8 * 1024


def test_no_secret_shows() -> None:
    """Neither in the typed login nor in the answer."""
    shown = repr(login()) + repr(LoginAnswer(Verdict.GRANTED, token=TOKEN))
    assert PASSWORD not in shown
    assert TOKEN not in shown

"""People in a meeting who are real browsers: one page, in which strophe.js speaks for each of them."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selenium.webdriver import Chrome

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.participants import Notice
from workbench import ROOT
from workbench.prosody import HOST, Prosody

_ENTER = "const [name, url, host, done] = arguments; enter(name, url, host).then(done, done);"
_RELOAD = "const [name, done] = arguments; reload(name).then(done, done);"
_ENTER_ALL = """
const [names, urls, host, done] = arguments;
Promise.all(names.map((name, index) => enter(name, urls[index], host))).then(done, done);
"""
_ACT_ALL = """
const [names, ...values] = arguments;
const done = values.pop();
Promise.all(names.map((name) => act(name, ...values))).then(done, done);
"""
_ACT = """
const values = Array.from(arguments);
const done = values.pop();
Promise.resolve(act(...values)).then(done, done);
"""


@dataclass(frozen=True, slots=True)
class MeetingPage:
    """The page in its window."""

    browser: Chrome
    window: str
    prosody: Prosody

    def enter(self, name: str, transport: str) -> None:
        """Opens Jitsi's page as that person, with connections of their own, as on a machine of their own."""
        self._run(_ENTER, name, self._url(name, transport), HOST)

    def reload(self, name: str) -> None:
        """Closes that person's page, and opens it again in the same browser."""
        self._run(_RELOAD, name)

    def close(self, name: str) -> None:
        """Closes that person's page."""
        self._run(_ACT, name, "close")

    def ask(self, name: str, room: str) -> dict[str, Any]:
        """Returns the focus's answer to that person's request for a conference."""
        answer: dict[str, Any] = self._run(_ACT, name, "ask", room)
        return answer

    def lead(self, name: str, credential: IssuedCredential, room: str) -> None:
        """Logs in from the page, and joins."""
        answer = self.log_in(name, credential, room)
        assert answer.get("identity") == f"{credential.username}@{HOST}"
        assert self.join(name, room) is None

    def log_in(self, name: str, credential: IssuedCredential, room: str) -> dict[str, Any]:
        """Logs in by the page's dialog; returns the focus's answer to that person's next request."""
        answer: dict[str, Any] = self._run(
            _ACT, name, "logIn", credential.username, credential.password, room
        )
        return answer

    def follow(self, name: str, room: str) -> None:
        """Waits for the meeting, and joins."""
        self.wait_for_host(name, room)
        assert self.join(name, room) is None

    def wait_for_host(self, name: str, room: str) -> dict[str, Any]:
        """Returns the focus's answer when it is another one than to wait for the host."""
        answer: dict[str, Any] = self._run(_ACT, name, "waitForHost", room)
        return answer

    def join(self, name: str, room: str, password: str = "") -> dict[str, str] | None:
        """Enters; returns why the room refuses, as "error", "text" and "lobby", or None."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "join", room, password)
        return refusal

    def knock(self, name: str, room: str) -> dict[str, str] | None:
        """Is refused by the room, and waits in its lobby; returns the refusal, or None without any."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "knock", room)
        return refusal

    def admit(self, name: str, room: str, names: Sequence[str]) -> None:
        """Lets that moderator admit those people, all by one message."""
        self._run(_ACT, name, "admit", room, *names)

    def enter_from_lobby(self, name: str, room: str) -> dict[str, str] | None:
        """Waits until they are admitted or the lobby ends, and enters; returns as :meth:`join` does."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "enterFromLobby", room)
        return refusal

    def submit_form(self, name: str, room: str, fields: Mapping[str, str]) -> dict[str, str] | None:
        """Changes the room's settings by those fields; returns why not, as "error" and "text", or None."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "submitForm", room, dict(fields))
        return refusal

    def promote(self, name: str, room: str, other: str) -> dict[str, str] | None:
        """Makes the other one a moderator too; returns why not, or None."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "promote", room, other)
        return refusal

    def kick(self, name: str, room: str, other: str) -> dict[str, str] | None:
        """Puts the other one out of the room; returns why not, or None."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "kick", room, other)
        return refusal

    def record(self, name: str, room: str) -> dict[str, str] | None:
        """Starts a recording; returns why not, or None."""
        refusal: dict[str, str] | None = self._run(_ACT, name, "record", room)
        return refusal

    def enter_together(self, names: Sequence[str], transport: str) -> None:
        """Opens Jitsi's page as each of those people."""
        self._run(_ENTER_ALL, list(names), [self._url(name, transport) for name in names], HOST)

    def together(self, names: Sequence[str], deed: str, *values: object) -> list[Any]:
        """Lets all of them do the same at once, by the page's own name of it; returns what came of each."""
        outcomes: list[Any] = self._run(_ACT_ALL, list(names), deed, *values)
        return outcomes

    def role(self, name: str) -> str | None:
        """Returns that person's role in the room."""
        role: str | None = self._run("return people[arguments[0]].role;", name)
        return role

    def notices(self, names: Sequence[str]) -> dict[str, list[Notice]]:
        """Returns what ended so far for each of them, with the moment of ``time.time``."""
        told = self._run("return arguments[0].map((name) => people[name].notices);", list(names))
        return {
            name: [Notice(each["kind"], each["text"], each["at"] / 1000) for each in notices]
            for name, notices in zip(names, told, strict=True)
        }

    def _url(self, name: str, transport: str) -> str:
        return {
            "bosh": f"http://{name}.localhost:{self.prosody.http_port}/http-bind",
            "websocket": f"ws://127.0.0.1:{self.prosody.http_port}/xmpp-websocket",
        }[transport]

    def _run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever JavaScript returns
        self.browser.switch_to.window(self.window)
        if "done" in script:
            return self.browser.execute_async_script(script, *arguments)
        return self.browser.execute_script(script, *arguments)


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_message: Any) -> None:  # noqa: ANN401 - the base's own signature
        """Says nothing."""


@contextlib.contextmanager
def serve_pages() -> Iterator[str]:
    """Yields the address of the pages in ``tests/browser``."""
    handler = functools.partial(_QuietHandler, directory=ROOT / "tests/browser")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

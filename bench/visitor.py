"""A member of staff at the panel, over HTTP: signs in, opens pages, sends forms; times the answers."""

import http.client
import re
import time
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workbench.staff import Member

_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
_ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')
_SEE_OTHER = 303


@dataclass
class Visitor:
    """One browser; ``seconds`` is how long the last answer took."""

    port: int
    seconds: float = 0.0
    _cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, member: Member) -> None:
        """Both steps."""
        self.send("/sign-in", name=member.name, password=member.password)
        self.send("/sign-in/code", code=member.code_at(datetime.now(UTC)))

    def get(self, path: str) -> str:
        """A page; raises unless it is one."""
        status, _, body = self.ask("GET", path)
        _require(status == http.HTTPStatus.OK, f"{path}: {status}")
        return body

    def send(self, path: str, **typed: str) -> str:
        """Sends the last form of that page; the address that comes after it."""
        fields = _hidden_in(self.get(path).rpartition('<form class="form"')[2]) | typed
        status, location, _ = self.ask("POST", path, urllib.parse.urlencode(fields))
        _require(status == _SEE_OTHER, f"{path}: {status}")
        return location

    def press(self, path: str, *, on: str) -> float:
        """Presses the button on that page which does this; the moment of the click (``time.monotonic``)."""
        form = form_in(self.get(on), path)
        clicked = time.monotonic()
        self.post(path, form)
        return clicked

    def post(self, path: str, form: str) -> None:
        """Sends what :func:`form_in` returned; raises unless it is done."""
        status, location, _ = self.ask("POST", path, form)
        _require(status == _SEE_OTHER and "/sign-in" not in location, f"{path}: {status} {location}")

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        """Returns the status, the address that comes next ("": none) and the page."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        started = time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        self.seconds = time.perf_counter() - started
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), text


def form_in(page: str, path: str) -> str:
    """Returns what the button on that page sends to ``path``; raises if there is none."""
    _, found, rest = page.partition(f'action="{path}"')
    _require(found != "", f"{path}: no such button")
    return urllib.parse.urlencode(_hidden_in(rest.partition("</form>")[0]))


def _hidden_in(form: str) -> dict[str, str]:
    hidden = [dict(_ATTRIBUTE.findall(tag)) for tag in _HIDDEN.findall(form)]
    return {each["name"]: each.get("value", "") for each in hidden}


def _require(condition: bool, words: str) -> None:  # noqa: FBT001 - as assert, which optimising takes away
    if not condition:
        raise RuntimeError(words)

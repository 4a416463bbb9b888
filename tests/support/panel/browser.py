"""A browser without pictures: follows the links of pages, and sends their forms as a person would."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.fakes import FakeClock
from workbench.staff import Member

URL = "http://127.0.0.1:8702"


@dataclass(frozen=True)
class Page:
    """Reads an answer of the panel."""

    response: TestResponse

    @property
    def status(self) -> int:
        """Returns the HTTP status."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """Returns the path with the query."""
        return self.response.request.full_path.rstrip("?")

    @cached_property
    def html(self) -> BeautifulSoup:
        """The page."""
        return BeautifulSoup(self.response.data, "html.parser")

    @property
    def text(self) -> str:
        """Returns the text that a person reads, on one line."""
        return " ".join(self.html.get_text(" ").split())

    @property
    def title(self) -> str:
        """The heading."""
        heading = self.html.find("h1")
        return "" if heading is None else " ".join(heading.get_text(" ").split())

    def form(self, action: str | None = None) -> Tag:
        """Finds the form that is sent to ``action``; without it, the form of the page itself."""
        for form in self.html.find_all("form", method="post"):
            if form.get("action") == action:
                return form
        message = f"{self.path} has no form for {action}: {self.text[:300]}"
        raise AssertionError(message)

    @property
    def fields(self) -> dict[str, str]:
        """Returns the fields of the page's own form as it is shown."""
        return filled(self.form())

    def errors(self) -> list[str]:
        """Returns the errors at the fields and above the form."""
        return [
            " ".join(each.get_text(" ").split()) for each in self.html.select(".field-error, .summary li")
        ]

    def error_at(self, name: str) -> str:
        """Returns the error at that field."""
        assert self.html.select(f'[name="{name}"]'), f"no field {name}"
        error = self.html.find(id=f"{name}-error")
        assert isinstance(error, Tag), f"no error at {name}: {self.errors()}"
        return " ".join(error.get_text(" ").split())

    def flashes(self) -> list[str]:
        """Returns the flashes and notes of the page."""
        return [" ".join(each.get_text(" ").split()) for each in self.html.select("main .notice p")]

    def actions(self) -> set[str]:
        """Returns the addresses to which the buttons and forms of the page are sent."""
        return {str(form.get("action", self.path)) for form in self.html.find_all("form", method="post")}

    def links(self) -> Iterable[str]:
        """Yields every address on the page."""
        for tag in self.html.find_all():
            for name in ("href", "src", "action", "formaction", "data", "poster", "srcset"):
                if tag.has_attr(name):
                    yield str(tag[name])


class Browser:
    """Plays one person at one browser; ``headers`` go with each request, ``ip`` is its address."""

    def __init__(self, client: FlaskClient, clock: FakeClock) -> None:
        self.client = client
        self.headers = {"Accept-Language": "en"}
        self.ip = "127.0.0.1"
        self._clock = clock

    def get(self, path: str) -> Page:
        """Opens a page, and follows redirects."""
        return Page(self.fetch(path, follow=True))

    def fetch(self, path: str, *, follow: bool = False) -> TestResponse:
        """Returns the bare answer."""
        return self._open("GET", path, follow=follow)

    def send(self, page: Page, action: str | None = None, **typed: Any) -> Page:  # noqa: ANN401 - form fields
        """Fills in the form of that page and sends it; other fields stay as the page has them."""
        return Page(self.send_raw(page, action, **typed))

    def send_raw(
        self,
        page: Page,
        action: str | None = None,
        *,
        follow: bool = True,
        **typed: Any,  # noqa: ANN401
    ) -> TestResponse:
        """Does the same, and returns the bare answer."""
        fields = filled(page.form(action)) | typed
        return self._open("POST", action or page.path, follow=follow, data=fields)

    def press(self, path: str, action: str) -> Page:
        """Opens a page, and presses its button that is sent to ``action``."""
        return self.send(self.get(path), action)

    def token(self) -> str:
        """Returns the CSRF token of this browser's pages."""
        return filled(self.get("/account").form("/language"))["csrf_token"]

    def ask(
        self, method: str, path: str, data: Mapping[str, str] | bytes | None = None, **headers: str
    ) -> TestResponse:
        """Sends a request that no page of the panel makes, with nothing but what is given."""
        return self._open(method, path, data=data, headers=headers)

    def cookie(self, name: str) -> str | None:
        """Returns the value of that cookie, None if there is none."""
        cookie = self.client.get_cookie(name, domain="127.0.0.1")
        return None if cookie is None else cookie.value

    def put_cookie(self, name: str, value: str) -> None:
        """Keeps a cookie, as if the panel had set it."""
        self.client.set_cookie(name, value, domain="127.0.0.1", secure=True, httponly=True)

    def sign_in(self, member: Member) -> Page:
        """Signs in with both factors; the clock goes on, for no code counts twice."""
        return self.send(self.show_password(member), code=member.code_at(self._clock()))

    def show_password(self, member: Member) -> Page:
        """Does the first step, with the right password."""
        self._clock.advance(seconds=30)
        return self.send(self.get("/sign-in"), name=member.name, password=member.password)

    def _open(
        self,
        method: str,
        path: str,
        *,
        follow: bool = False,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            base_url=URL,
            data=data,
            headers={**self.headers, **(headers or {})},
            environ_overrides={"REMOTE_ADDR": self.ip},
            buffered=True,
            follow_redirects=follow,
        )


def filled(form: Tag) -> dict[str, str]:
    """Returns the fields of a form as it was shown."""
    fields: dict[str, str] = {}
    for field in form.select("input[name], select[name], textarea[name]"):
        name = str(field["name"])
        if field.name == "select":
            chosen = field.find("option", selected=True) or field.find("option")
            fields[name] = "" if chosen is None else str(chosen.get("value", ""))
        elif field.name == "textarea":
            # HTML drops one line break right after the tag.
            fields[name] = field.get_text().removeprefix("\r").removeprefix("\n")
        elif field.get("type") not in {"radio", "checkbox"} or field.has_attr("checked"):
            fields[name] = str(field.get("value", ""))
    return fields

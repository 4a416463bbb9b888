"""A browser without pictures: follows what stands on the pages, and sends their forms as a person would."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import FakeClock
from workbench.staff import Member

URL = "http://127.0.0.1:8702"


@dataclass(frozen=True)
class Page:
    """An answer, read."""

    response: TestResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """Where it came from."""
        return self.response.request.full_path.rstrip("?")

    @cached_property
    def html(self) -> BeautifulSoup:
        """The page."""
        return BeautifulSoup(self.response.data, "html.parser")

    @property
    def text(self) -> str:
        """What a person reads of it, on one line."""
        return " ".join(self.html.get_text(" ").split())

    @property
    def title(self) -> str:
        """The heading."""
        heading = self.html.find("h1")
        return "" if heading is None else " ".join(heading.get_text(" ").split())

    def form(self, action: str | None = None) -> Tag:
        """The form that is sent there; without ``action`` that of the page itself."""
        for form in self.html.find_all("form", method="post"):
            if form.get("action") == action:
                return form
        message = f"{self.path} has no form for {action}: {self.text[:300]}"
        raise AssertionError(message)

    @property
    def fields(self) -> dict[str, str]:
        """What the form of the page itself holds as it is shown."""
        return filled(self.form())

    def faults(self) -> list[str]:
        """The sentences at the fields and above the form."""
        return [
            " ".join(each.get_text(" ").split()) for each in self.html.select(".field-error, .summary li")
        ]

    def fault_at(self, name: str) -> str:
        """The sentence at that field."""
        assert self.html.select(f'[name="{name}"]'), f"no field {name}"
        fault = self.html.find(id=f"{name}-error")
        assert isinstance(fault, Tag), f"no fault at {name}: {self.faults()}"
        return " ".join(fault.get_text(" ").split())

    def notices(self) -> list[str]:
        """What the page says of what was done."""
        return [" ".join(each.get_text(" ").split()) for each in self.html.select("main .notice p")]

    def actions(self) -> set[str]:
        """Where the buttons and forms of the page are sent."""
        return {str(form.get("action", self.path)) for form in self.html.find_all("form", method="post")}

    def links(self) -> Iterable[str]:
        """Whatever the page refers to."""
        for tag in self.html.find_all():
            for name in ("href", "src", "action", "formaction", "data", "poster", "srcset"):
                if tag.has_attr(name):
                    yield str(tag[name])


class Browser:
    """One person at one browser; ``headers`` go with each request, ``ip`` is where it comes from."""

    def __init__(self, client: FlaskClient, clock: FakeClock) -> None:
        self.client = client
        self.headers = {"Accept-Language": "en"}
        self.ip = "127.0.0.1"
        self._clock = clock

    def get(self, path: str) -> Page:
        """Opens a page, and follows where it leads."""
        return Page(self.fetch(path, follow=True))

    def fetch(self, path: str, *, follow: bool = False) -> TestResponse:
        """The bare answer."""
        return self._open("GET", path, follow=follow)

    def send(self, page: Page, action: str | None = None, **typed: Any) -> Page:  # noqa: ANN401 - form fields
        """Fills the form of that page in and sends it; what is not given stays as the page has it."""
        return Page(self.send_raw(page, action, **typed))

    def send_raw(
        self,
        page: Page,
        action: str | None = None,
        *,
        follow: bool = True,
        **typed: Any,  # noqa: ANN401
    ) -> TestResponse:
        """Likewise, as the answer itself."""
        fields = filled(page.form(action)) | typed
        return self._open("POST", action or page.path, follow=follow, data=fields)

    def press(self, path: str, action: str) -> Page:
        """Opens a page and presses the button there that is sent to ``action``."""
        return self.send(self.get(path), action)

    def token(self) -> str:
        """The token against forged forms that this browser's pages hold now."""
        return filled(self.get("/account").form("/language"))["csrf_token"]

    def ask(
        self, method: str, path: str, data: Mapping[str, str] | None = None, **headers: str
    ) -> TestResponse:
        """A request as no page of the panel makes it, without anything that is not given."""
        return self._open(method, path, data=data, headers=headers)

    def cookie(self, name: str) -> str | None:
        """The value of that cookie."""
        cookie = self.client.get_cookie(name, domain="127.0.0.1")
        return None if cookie is None else cookie.value

    def put_cookie(self, name: str, value: str) -> None:
        """Holds it from now on, as if it had been set here."""
        self.client.set_cookie(name, value, domain="127.0.0.1", secure=True, httponly=True)

    def sign_in(self, member: Member) -> Page:
        """Both steps; the clock goes on, for no code counts twice."""
        return self.send(self.show_password(member), code=member.code_at(self._clock()))

    def show_password(self, member: Member) -> Page:
        """The first step."""
        self._clock.advance(seconds=30)
        return self.send(self.get("/sign-in"), name=member.name, password=member.password)

    def _open(
        self,
        method: str,
        path: str,
        *,
        follow: bool = False,
        data: Mapping[str, str] | None = None,
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
    """What a form holds as it was shown."""
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

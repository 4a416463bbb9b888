"""Nobody is sent elsewhere, whatever an address or a form asks for."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from werkzeug.test import TestResponse

from authbridge.storage.models import Role
from tests.panel.browsing import URL
from tests.panel.conftest import Office
from tests.panel.county import found_county

ELSEWHERE = [
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "/\x0b/evil.example",
    "/\x00/evil.example",
    "/\u00a0/evil.example",
    "/\u2028/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x01https://evil.example",
    "java\tscript:alert(1)",
    "javascript:alert(1)",
    "data:text/html,evil",
    "evil.example",
    "@evil.example",
    ".evil.example",
    ":80@evil.example",
    "/\r\nSet-Cookie: evil=1",
    "http://127.0.0.1:8702@evil.example/",
    "http://127.0.0.1.evil.example/",
]


def leads_home(answer: TestResponse) -> bool:
    """Whether a browser stays with the panel; it drops control characters and takes any slash."""
    place = answer.headers.get("Location", "/")
    seen = "".join(sign for sign in place if sign >= " ").replace("\\", "/").strip()
    target = urlsplit(urljoin(URL, seen))
    return f"{target.scheme}://{target.netloc}" == URL and "evil" not in dict(answer.headers).get(
        "Set-Cookie", ""
    )


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_after_signing_in(lasting: Office, wanted: str) -> None:
    """Neither step hands on or follows an address of elsewhere."""
    browser, anna = lasting.browser(), lasting.members[Role.CLERK]
    lasting.clock.advance(seconds=30)
    page = browser.get(f"/sign-in?next={quote(wanted)}")
    answer = browser.send_raw(page, follow=False, name=anna.name, password=anna.password)
    assert answer.status_code == 303
    assert leads_home(answer)
    assert "evil" not in answer.location
    page = browser.get(f"/sign-in/code?next={quote(wanted)}")
    answer = browser.send_raw(page, follow=False, code=anna.code_at(lasting.clock()))
    assert (answer.status_code, answer.location) == (303, "/")


def test_with_the_language_and_the_buttons(office: Office) -> None:
    """The field that says where somebody was is not trusted either."""
    county = found_county(office.database)
    browser = office.browser(Role.CLERK)
    fields = {"csrf_token": browser.token(), "language": "en"}
    suspend = f"/organisers/{county.username}/suspend"
    for wanted in ELSEWHERE:
        for path in ("/language", suspend, f"/schools/{county.code}/suspend"):
            answer = browser.ask("POST", path, {**fields, "next": wanted, "back": wanted})
            assert answer.status_code == 303, (path, wanted)
            assert leads_home(answer), (path, wanted)
            assert "evil" not in answer.location, (path, wanted)


def test_after_confirming(office: Office) -> None:
    """The page that asks for the factor again leads to pages of the panel only."""
    browser, anna = office.browser(Role.ADMIN), office.members[Role.ADMIN]
    for wanted in ELSEWHERE:
        office.clock.advance(seconds=600)
        page = browser.get(f"/confirm?next={quote(wanted)}")
        answer = browser.send_raw(page, follow=False, code=anna.code_at(office.clock()))
        assert (answer.status_code, answer.location) == (303, "/"), wanted


def test_places_of_the_panel_are_followed(office: Office) -> None:
    """With what they were asked for."""
    browser, anna = office.browser(), office.members[Role.CLERK]
    page = browser.get("/schools?q=%C3%B6&show=suspended")
    assert page.path.startswith("/sign-in?")
    office.clock.advance(seconds=30)
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.code_at(office.clock()))
    assert page.path == "/schools?q=%C3%B6&show=suspended"


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/%2e%2e", "/%5cevil.example", "/.//evil.example"]
)
def test_odd_addresses_lead_nowhere(office: Office, path: str) -> None:
    """A path that looks like a host is no reason to send anybody there."""
    for browser in (office.browser(), office.browser(Role.CLERK)):
        answer = browser.client.open(path, base_url=URL, method="GET")
        assert leads_home(answer), answer.headers

"""No address and no form makes the panel redirect to another site."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from werkzeug.test import TestResponse

from authbridge.storage.models import Role
from tests.support.panel.browser import URL
from tests.support.panel.sample_data import add_sample_data
from tests.support.panel.staffed_panel import StaffedPanel

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
    """Tells whether a browser stays at the panel; it drops control characters and takes any slash."""
    place = answer.headers.get("Location", "/")
    seen = "".join(sign for sign in place if sign >= " ").replace("\\", "/").strip()
    target = urlsplit(urljoin(URL, seen))
    return f"{target.scheme}://{target.netloc}" == URL and "evil" not in dict(answer.headers).get(
        "Set-Cookie", ""
    )


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_after_signing_in(shared_panel: StaffedPanel, wanted: str) -> None:
    """Neither step of the sign-in follows a foreign address."""
    browser, anna = shared_panel.browser(), shared_panel.members[Role.CLERK]
    shared_panel.clock.advance(seconds=30)
    page = browser.get(f"/sign-in?next={quote(wanted)}")
    answer = browser.send_raw(page, follow=False, name=anna.name, password=anna.password)
    assert answer.status_code == 303
    assert leads_home(answer)
    assert "evil" not in answer.location
    page = browser.get(f"/sign-in/code?next={quote(wanted)}")
    answer = browser.send_raw(page, follow=False, code=anna.code_at(shared_panel.clock()))
    assert (answer.status_code, answer.location) == (303, "/")


def test_with_the_language_and_the_buttons(panel: StaffedPanel) -> None:
    """The field with the way back is not trusted either."""
    sample = add_sample_data(panel.database)
    browser = panel.browser(Role.CLERK)
    fields = {"csrf_token": browser.token(), "language": "en"}
    suspend = f"/organisers/{sample.username}/suspend"
    for wanted in ELSEWHERE:
        for path in ("/language", suspend, f"/schools/{sample.code}/suspend"):
            answer = browser.ask("POST", path, {**fields, "next": wanted, "back": wanted})
            assert answer.status_code == 303, (path, wanted)
            assert leads_home(answer), (path, wanted)
            assert "evil" not in answer.location, (path, wanted)


def test_after_confirming(panel: StaffedPanel) -> None:
    """The page that asks for the factor again follows paths of the panel only."""
    browser, anna = panel.browser(Role.ADMIN), panel.members[Role.ADMIN]
    for wanted in ELSEWHERE:
        panel.clock.advance(seconds=600)
        page = browser.get(f"/confirm?next={quote(wanted)}")
        answer = browser.send_raw(page, follow=False, code=anna.code_at(panel.clock()))
        assert (answer.status_code, answer.location) == (303, "/"), wanted


def test_places_of_the_panel_are_followed(panel: StaffedPanel) -> None:
    """Paths of the panel are followed, with their query."""
    browser, anna = panel.browser(), panel.members[Role.CLERK]
    page = browser.get("/schools?q=%C3%B6&show=suspended")
    assert page.path.startswith("/sign-in?")
    panel.clock.advance(seconds=30)
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.code_at(panel.clock()))
    assert page.path == "/schools?q=%C3%B6&show=suspended"


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/%2e%2e", "/%5cevil.example", "/.//evil.example"]
)
def test_odd_addresses_lead_nowhere(panel: StaffedPanel, path: str) -> None:
    """A path that looks like a host is not followed."""
    for browser in (panel.browser(), panel.browser(Role.CLERK)):
        answer = browser.client.open(path, base_url=URL, method="GET")
        assert leads_home(answer), answer.headers

"""Every answer, whatever it is, has the headers that guard it."""

import re
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from admin.session.cookies import DEVICE_COOKIE, GUEST_COOKIE, SESSION_COOKIE
from admin.web.i18n import COOKIE as LANGUAGE_COOKIE
from authbridge.storage.models import Role
from tests.support.factories import make_school
from tests.support.panel.browser import URL
from tests.support.panel.staffed_panel import StaffedPanel, StaffedTemplate, panel_factory_in

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TWO_YEARS = 2 * 365 * 24 * 60 * 60


def every_kind_of_answer(panel: StaffedPanel) -> Iterator[TestResponse]:
    """Yields pages, redirects, errors, files, and answers that no view has seen."""
    guest, browser = panel.browser(), panel.browser(Role.ADMIN)
    token = browser.token()
    make_school(panel.database)
    for path in (
        "/sign-in",
        "/invitation",
        "/",
        "/sign-in/code",
        "/schools",
        "/static/panel.css",
        "/static/no",
    ):
        yield guest.fetch(path)
        yield browser.fetch(path)
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH"):
        yield browser.ask(method, "/schools")
    handout = browser.send(browser.get("/schools/ohg/issue"), count="1")
    for path in (
        handout.path,
        f"{handout.path}/letters.pdf",
        f"{handout.path}/table.csv",
        "/credentials/gone",
        "/no",
    ):
        yield browser.fetch(path)
    yield browser.ask("POST", "/account/stay", {"csrf_token": token})
    yield browser.ask("POST", "/account/stay")
    yield browser.ask("POST", f"{handout.path}/done", {"csrf_token": token})
    yield browser.ask("POST", "/account/password", {"csrf_token": token})
    yield browser.ask("POST", "/schools/add", {"csrf_token": token, "name": "x" * 100_000})
    yield browser.client.get("/", base_url="http://evil.example")
    yield panel.browser(Role.CLERK).fetch("/staff")
    yield browser.ask("POST", "/sign-out", {"csrf_token": token})


@pytest.fixture(name="answers", scope="module")
def collect_answers(
    staffed_template: StaffedTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[TestResponse]]:
    """Collects one answer of each kind."""
    with panel_factory_in(tmp_path_factory.mktemp("answers"), staffed_template) as panel_factory:
        yield list(every_kind_of_answer(panel_factory.open()))


def test_every_answer_is_guarded(answers: list[TestResponse]) -> None:
    """Errors, redirects, files and pages have the same headers."""
    assert {200, 204, 303, 400, 403, 404, 405, 410, 413, 422} <= {answer.status_code for answer in answers}
    for answer in answers:
        where = f"{answer.status_code} {answer.request.method} {answer.request.path}"
        for name, value in ALWAYS.items():
            assert answer.headers.getlist(name) == [value], where
        said = answer.headers["Strict-Transport-Security"]
        seconds = re.fullmatch(r"max-age=(\d+); includeSubDomains", said)
        assert seconds is not None, where
        assert int(seconds[1]) >= TWO_YEARS, where


def test_the_policy_allows_our_own_files_only(answers: list[TestResponse]) -> None:
    """The policy forbids inline content, foreign content, frames, and forms to other sites."""
    for answer in answers:
        (policy,) = answer.headers.getlist("Content-Security-Policy")
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
        assert rules["form-action"] == "'self'"
        assert set(" ".join(rules.values()).split()) == {"'self'", "'none'"}


def test_nothing_is_kept_but_the_look(answers: list[TestResponse]) -> None:
    """Answers may not be stored, but for style sheet and scripts."""
    kept = {answer.request.path for answer in answers if answer.headers["Cache-Control"] != "no-store"}
    assert kept == {"/static/panel.css"}


def test_the_answers_do_not_tell_what_they_are_made_with(answers: list[TestResponse]) -> None:
    """No header names a program or a version, or lets another site read."""
    for answer in answers:
        told = set(answer.headers.keys()) & {"Server", "X-Powered-By", "Access-Control-Allow-Origin"}
        assert not told, answer.request.path


def test_pages_say_what_they_are(answers: list[TestResponse]) -> None:
    """Each answer names its type and encoding; a table is a download, letters open in the browser."""
    for answer in answers:
        if answer.data and answer.request.method != "OPTIONS":
            assert answer.content_type.partition(";")[0] in {
                "text/html",
                "text/css",
                "text/csv",
                "text/plain",
                "application/pdf",
            }, answer.request.path
    (pdf,) = [answer for answer in answers if answer.content_type == "application/pdf"]
    (table,) = [answer for answer in answers if answer.content_type.startswith("text/csv")]
    assert pdf.headers["Content-Disposition"].startswith("inline; filename=ohg-")
    assert table.headers["Content-Disposition"].startswith("attachment; filename=ohg-")


def test_each_cookie_is_locked_to_this_host(panel: StaffedPanel) -> None:
    """Each cookie goes over https to this host only, and no script reads it."""
    browser = panel.browser()
    answers = [browser.fetch("/sign-in")]
    page = browser.get("/sign-in")
    answers.append(browser.send_raw(page, "/language", follow=False, language="en"))
    anna = panel.members[Role.CLERK]
    panel.clock.advance(seconds=30)
    answers.append(browser.send_raw(page, follow=False, name=anna.name, password=anna.password))
    page = browser.get("/sign-in/code")
    answers.append(browser.send_raw(page, follow=False, code=anna.code_at(panel.clock())))
    answers.append(browser.send_raw(browser.get("/"), "/sign-out", follow=False))
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        SESSION_COOKIE,
        GUEST_COOKIE,
        DEVICE_COOKIE,
        LANGUAGE_COOKIE,
    }
    for cookie in cookies:
        name, *attributes = cookie.split("; ")
        kept = {each.partition("=")[0] for each in attributes}
        assert name.startswith("__Host-"), cookie
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes), cookie
        assert "Domain" not in kept, cookie
        if name.partition("=")[0] not in {LANGUAGE_COOKIE, DEVICE_COOKIE} and "Max-Age=0" not in attributes:
            assert not kept & {"Max-Age", "Expires"}, f"it ends with the browser: {cookie}"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "localhost"]
)
def test_a_foreign_host_gets_no_page(panel: StaffedPanel, host: str) -> None:
    """A request with a foreign or forged host gets 400 and no page."""
    for path in ("/", "/sign-in", "/nothing", "/static/panel.css"):
        answer = panel.app.test_client().get(path, base_url=URL, headers={"Host": host}, buffered=True)
        assert (answer.status_code, answer.headers.get("Location")) == (400, None), path
        assert b"evil" not in answer.data

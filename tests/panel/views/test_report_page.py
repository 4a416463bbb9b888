"""The report page: a code blocks at once, without account, cookie and script; guessing finds nothing."""

import random
from collections import Counter
from itertools import cycle
from typing import Any

import pytest

from admin.stores.block_receipts import MOST_OF_ONE
from admin.web.i18n import COOKIE as LANGUAGE_COOKIE
from authbridge.login.authenticate import authenticate
from authbridge.login.usernames import ALPHABET
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.suspensions import suspend
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.models import Role
from tests.support.factories import ACTOR, make_attempt, make_code, make_organiser, make_origin, make_school
from tests.support.factories import make_services as make_login_services
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="issued")
def issue_one(panel: StaffedPanel) -> IssuedCredential:
    """One organiser of one school."""
    make_school(panel.database)
    return make_organiser(panel.database)


@pytest.fixture(name="head")
def open_browser(panel: StaffedPanel) -> Browser:
    """The browser of the head of the school, at home."""
    head = panel.browser()
    head.ip = "203.0.113.7"
    return head


def block(head: Browser, code: str, username: str = "", **others: Any) -> Page:  # noqa: ANN401 - fields
    """Opens the page, fills in the form and sends it."""
    return head.send(head.get("/report"), code=code, username=username, **others)


def verdict(panel: StaffedPanel, credential: IssuedCredential) -> str:
    """Returns the verdict that a login through Prosody gets now."""
    services = make_login_services(panel.database, clock=panel.clock)
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), services, within=10).verdict


def test_the_code_blocks_at_once(panel: StaffedPanel, head: Browser, issued: IssuedCredential) -> None:
    """The page says what was done, who sees it, and whom to call."""
    page = block(head, make_code(panel.database), issued.username, words="Fremde in der Konferenz")
    assert (page.status, page.title) == (200, f"{issued.username} is blocked")
    for words in ("08:55", "next working day", "used up", "1234 567-0", "Otto-Hahn-Gymnasium"):
        assert words in page.text
    assert verdict(panel, issued) == "suspended"


def test_a_double_click_and_a_reload_read_the_same(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """The second click does not find the code used."""
    form, code = head.get("/report"), make_code(panel.database)
    pages = [head.send(form, code=code, username=issued.username) for _ in range(2)]
    pages.append(head.get(pages[0].path))
    assert {(page.status, page.title) for page in pages} == {(200, f"{issued.username} is blocked")}
    assert len(panel.rows()["misuse_reports"]) == 1
    panel.clock.advance(minutes=10)
    gone = head.get(pages[0].path)
    assert gone.status == 410
    assert issued.username not in gone.text


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ({"username": "second"}, "{second} is blocked"),
        ({"username": "", "what": "school"}, "All accesses of your school are blocked"),
        ({"code": "bbbb-cccc-dddd"}, None),
        ({"code": "{other}"}, "{first} is blocked"),
    ],
)
def test_the_same_form_sent_for_something_else_is_another_one(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential, typed: dict[str, str], title: str | None
) -> None:
    """Going back and asking for another name, all accesses or with another code: never the first answer."""
    names = {"first": issued.username, "second": make_organiser(panel.database).username}
    with panel.database.write_session() as session:
        suspend(session, ORGANISER, issued.username, reason=None, actor=ACTOR, now=panel.clock())
    code, other = (make_code(panel.database) for _ in range(2))
    form = head.get("/report")
    first = {"code": code, "username": issued.username, "what": "one"}
    before = head.send(form, **first)
    assert "blocked already" in before.text
    again = {"second": names["second"], "{other}": other}
    page = head.send(form, **(first | {name: again.get(value, value) for name, value in typed.items()}))
    assert page.path != before.path
    assert page.title == title.format(**names) if title else "not accepted" in page.error_at("code")
    assert head.send(form, **first).path == before.path


def test_no_code_is_kept_with_the_forms_that_were_sent(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """Of the code, the memory of the process holds a keyed hash."""
    code = make_code(panel.database)
    block(head, code, issued.username)
    kept = repr(vars(panel.parts.block_forms)) + repr(vars(panel.parts.block_receipts))
    assert issued.username in kept
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_the_holder_of_a_code_floods_nobody_else(panel: StaffedPanel, issued: IssuedCredential) -> None:
    """A code that stays good leaves few receipts, and nothing among the forms of staff."""
    head, flooder = panel.browser(), panel.browser()
    codes = [make_code(panel.database) for _ in range(2)]
    receipt = block(head, codes[0], issued.username)
    with panel.database.write_session() as session:
        suspend(session, SCHOOL, "ohg", reason=None, actor=ACTOR, now=panel.clock())
    for number in range(20):
        form = {"code": codes[1], "what": "school", "idempotency_key": f"k{number}"}
        last = flooder.ask("POST", "/report", form)
    assert len(panel.parts.block_receipts.values(now=panel.clock())) <= 1 + MOST_OF_ONE
    assert {head.get(receipt.path).status, flooder.get(last.location or "").status} == {200}
    assert len(panel.parts.idempotent_forms) == 0


def test_it_works_without_cookies_and_sets_none(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """Nothing is stored in the browser, and nothing of the answer anywhere."""
    code = make_code(panel.database)
    for method, path, fields in (
        ("GET", "/report?language=de", None),
        ("POST", "/report", {"code": "bbbb-cccc-dddd", "what": "school"}),
        ("POST", "/report", {"code": code, "what": "one", "username": issued.username}),
        ("GET", "/report/imprint", None),
        ("GET", "/report/nothing", None),
        ("POST", "/report", {"code": "x" * 10_000}),
    ):
        answer = head.ask(method, path, fields)
        assert not answer.headers.getlist("Set-Cookie"), path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert code not in (answer.location or "")
    assert verdict(panel, issued) == "suspended"


def test_a_form_of_another_site_is_refused(panel: StaffedPanel, head: Browser) -> None:
    """It could do nothing without the code; with it, nothing that its owner could not do elsewhere."""
    make_school(panel.database)
    code = make_code(panel.database)
    fields = {"code": code, "what": "school"}
    assert head.ask("POST", "/report", fields, **{"Sec-Fetch-Site": "cross-site"}).status_code == 400
    assert head.ask("POST", "/report", fields, **{"Sec-Fetch-Site": "same-origin"}).status_code == 303


@pytest.mark.parametrize(
    ("what", "username", "words", "field"),
    [
        ("one", "", "", "username"),
        ("one", "Frau Müller", "", "username"),
        ("school", "ohg-kwtx", "", "username"),
        ("one", "ohg-kwtx", "x" * 401, "words"),
    ],
)
def test_what_cannot_be_understood_is_asked_again(
    panel: StaffedPanel, head: Browser, what: str, username: str, words: str, field: str
) -> None:
    """Nothing typed is lost, and the code is not even looked at."""
    make_school(panel.database)
    code = make_code(panel.database)
    page = block(head, code, username, what=what, words=words)
    assert page.status == 422
    assert page.error_at(field)
    typed = {name: page.fields[name] for name in ("code", "what", "username", "words")}
    assert typed == {"code": code, "what": what, "username": username, "words": words}
    assert block(head, code, what="school").title == "All accesses of your school are blocked"


def test_without_a_code_it_says_nothing_about_accounts(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """Existing, suspended and unknown names get the same answer to a wrong code."""
    answers = set()
    for username in (issued.username, "ohg-zzzz", "gsw-bbbb"):
        page = block(head, "bbbb-cccc-dddd", username)
        answers.add((page.status, tuple(page.errors())))
    assert len(answers) == 1
    assert panel.rows()["suspensions"] == []


def test_a_name_of_no_letter_is_told_to_the_holder_of_a_code(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """A typing error at night must not look like a block; the code stays good."""
    code = make_code(panel.database)
    page = block(head, code, "ohg-zzzz")
    assert "No letter of your school" in page.error_at("username")
    assert head.send(page, username=issued.username).title == f"{issued.username} is blocked"


def test_what_is_blocked_already_is_told(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential
) -> None:
    """The code is not used up."""
    codes = [make_code(panel.database) for _ in range(2)]
    block(head, codes[0], issued.username)
    assert "blocked already" in block(head, codes[1], issued.username).text
    assert block(head, codes[1], what="school").title == "All accesses of your school are blocked"


def test_each_language_has_its_address(head: Browser) -> None:
    """Without a cookie, by a link; the form and what follows keep to it."""
    page = head.get("/report?language=de")
    assert page.title == "Zugang sperren"
    wrong = head.send(page, code="bbbb-cccc-dddd", username="ohg-kwtx")
    assert "Dieser Code wird nicht angenommen" in wrong.error_at("code")
    assert head.cookie(LANGUAGE_COOKIE) is None


def test_the_page_leads_nowhere_else(head: Browser) -> None:
    """Each address on it lies below its own: on Jitsi's host there is nothing else of ours."""
    for path in ("/report", "/report/imprint", "/report/blocked/none", "/report/nothing"):
        page = head.get(path)
        assert all(link.startswith(("/report", "#")) for link in page.links()), path


def test_hundreds_of_guesses_find_nothing(panel: StaffedPanel, issued: IssuedCredential) -> None:
    """From fifty addresses: slowed, told to staff once, and the right code passes, even from one of them."""
    codes = [make_code(panel.database) for _ in range(2)]
    guessers = [panel.browser() for _ in range(50)]
    for number, guesser in enumerate(guessers):
        guesser.ip = f"192.0.2.{number}" if number % 2 else f"2001:db8:{number:x}::{number:x}"
    guess, statuses = random.Random(14), Counter[int]()  # noqa: S311 - a guesser, the same on each run
    for number, guesser in zip(range(400), cycle(guessers), strict=False):
        letters = "".join(guess.choices(ALPHABET, k=12))
        fields = {"code": letters, "what": "one", "username": issued.username}
        statuses[guesser.ask("POST", "/report", fields).status_code] += 1
        if number == 300:
            head = panel.browser()
            head.ip = "203.0.113.7"
            assert block(head, codes[0], issued.username).title == f"{issued.username} is blocked"
    assert set(statuses) == {422, 429}
    assert statuses[422] <= 50 * 4
    waiting = guessers[0].get("/report")
    assert "Please wait 30 seconds" in guessers[0].send(waiting, code="bbbb-cccc-dddd", what="school").text
    assert guessers[0].send(waiting, code=codes[1], what="school").status == 200
    told = [row[2:5] for row in panel.rows()["audit_events"] if row[3] == "report-code:guessed"]
    assert told == [("policy", "report-code:guessed", "report-code")]
    assert "many wrong codes" in panel.browser(Role.CLERK).get("/").text
    assert panel.rows()["login_failures"] == panel.rows()["network_waits"] == []


def test_no_code_is_kept_in_a_log_or_the_database(
    panel: StaffedPanel, head: Browser, issued: IssuedCredential, caplog: pytest.LogCaptureFixture
) -> None:
    """Right ones and wrong ones."""
    code = make_code(panel.database)
    for typed in ("vpgd-kxwj-rhms", code):
        block(head, typed, issued.username)
    everything = caplog.text + repr(panel.rows())
    for typed in ("vpgd-kxwj-rhms", code):
        assert typed not in everything
        assert typed.replace("-", "") not in everything

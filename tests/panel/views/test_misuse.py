"""Misuse on the telephone: reported and suspended in one step, found in the morning, closed with a result."""

import csv
from collections.abc import Callable
from io import StringIO

import pytest

from admin.serving import sweep
from authbridge.login.authenticate import authenticate
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.staff.commands import suspend_staff
from authbridge.storage.models import Role
from tests.support.factories import ACTOR, make_attempt, make_code, make_organiser, make_origin, make_school
from tests.support.factories import make_services as make_login_services
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel

SCHOOL = "/schools/ohg"


@pytest.fixture(name="issued")
def issue_one(panel: StaffedPanel) -> IssuedCredential:
    """One organiser of one of two schools."""
    make_school(panel.database)
    make_school(panel.database, "gsw", "Grundschule am Weg")
    return make_organiser(panel.database)


@pytest.fixture(name="clerk")
def open_browser(panel: StaffedPanel, issued: IssuedCredential) -> Browser:
    """A clerk's browser."""
    assert issued
    return panel.browser(Role.CLERK)


def verdict(panel: StaffedPanel, credential: IssuedCredential) -> str:
    """Returns the verdict that a login through Prosody gets now."""
    services = make_login_services(panel.database, clock=panel.clock)
    attempt = make_attempt(credential.username, credential.password)
    return authenticate(attempt, make_origin(), services, within=10).verdict


def block(panel: StaffedPanel, username: str = "") -> None:
    """Blocks at night, as the head of the school."""
    head, code = panel.browser(), make_code(panel.database)
    what = "one" if username else "school"
    page = head.send(head.get("/report"), code=code, what=what, username=username, words="Lärm in der 8a")
    assert page.status == 200, page.text


def report(clerk: Browser, path: str, suspend: str | None = None, **typed: str) -> Page:
    """Fills in the form at that path, and presses one of its buttons."""
    pressed = {} if suspend is None else {"suspend": suspend}
    return clerk.send(clerk.get(path), **typed, **pressed)


def test_one_button_reports_and_suspends(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """Two clicks from the page of the organiser; nothing needs to be typed; Undo stands in the notice."""
    path = f"/organisers/{issued.username}"
    assert f"{path}/misuse" in set(clerk.get(path).links())
    page = report(clerk, f"{path}/misuse", "organiser")
    assert page.path == "/misuse/1"
    assert f"{issued.username} is suspended" in page.flashes()[0]
    assert verdict(panel, issued) == "suspended"
    page = clerk.send(page, f"{path}/reinstate")
    assert verdict(panel, issued) == "granted"
    assert "misuse" in clerk.get(path).text


@pytest.mark.parametrize("where", ["organiser", "school"])
def test_only_reporting_blocks_nobody(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential, where: str
) -> None:
    """The report stands on the overview and on the pages of school and organiser until it is closed."""
    path = f"/organisers/{issued.username}"
    typed = {} if where == "organiser" else {"username": issued.username}
    page = report(
        clerk,
        f"{path if where == 'organiser' else SCHOOL}/misuse",
        description="Passwort am Brett",
        happened="heute früh",
        **typed,
    )
    for words in ("Passwort am Brett", "heute früh", "head of the school", "clerk-anna", "not suspended"):
        assert words in page.text
    assert verdict(panel, issued) == "granted"
    for place in ("/", path, SCHOOL):
        assert "/misuse/1" in set(clerk.get(place).links()), place
    clerk.send(page, "/misuse/1/close", result="confirmed", note="Brief abgehängt")
    for place in ("/", path, SCHOOL):
        assert "/misuse/1" not in set(clerk.get(place).links()), place


@pytest.mark.parametrize(
    ("suspend", "username", "sentence"),
    [
        ("organiser", "", "Please type the login name"),
        ("school", "named", "Please choose"),
        (None, "gsw-none", "There is no organiser"),
        (None, "?", "A login name has"),
    ],
)
def test_a_slip_suspends_nobody(
    panel: StaffedPanel,
    clerk: Browser,
    issued: IssuedCredential,
    suspend: str | None,
    username: str,
    sentence: str,
) -> None:
    """The Enter key never suspends a whole school, and a wrong name is told at its field."""
    typed = issued.username if username == "named" else username
    page = report(clerk, f"{SCHOOL}/misuse", suspend, username=typed, description="Anruf")
    assert page.status == 422
    assert sentence in page.error_at("username")
    assert page.fields["description"] == "Anruf"
    assert panel.rows()["misuse_reports"] == panel.rows()["suspensions"] == []


def test_a_name_of_another_school_is_told(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """Somebody is on the page of the wrong school."""
    page = report(clerk, "/schools/gsw/misuse", "organiser", username=issued.username)
    assert "of another school" in page.error_at("username")
    assert verdict(panel, issued) == "granted"


def test_a_whole_school_is_suspended_by_its_own_button(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """Where nobody knows which access it was."""
    page = report(clerk, f"{SCHOOL}/misuse", "school")
    assert "The school ohg is suspended" in page.flashes()[0]
    assert verdict(panel, issued) == "suspended"
    clerk.send(page, f"{SCHOOL}/reinstate")
    assert verdict(panel, issued) == "granted"


def test_a_suspension_that_is_on_is_told(clerk: Browser, issued: IssuedCredential) -> None:
    """The second report is noted, and linked with the suspension that there is."""
    path = f"/organisers/{issued.username}"
    clerk.press(path, f"{path}/suspend")
    page = report(clerk, f"{path}/misuse", "organiser")
    assert "was suspended already" in page.flashes()[0]
    assert any(link.startswith(f"{path}#") for link in page.links())


def test_what_the_head_of_the_school_blocked_stands_out(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """On the overview, on the report and in the history it says by which way; undo is that of any other."""
    block(panel, issued.username)
    assert "blocked with the code of the head of the school, 20 Nov 2026, 08:55" in clerk.get("/").text
    page = clerk.get("/misuse/1")
    for words in ("The head of the school has blocked with a code", "Lärm in der 8a"):
        assert words in page.text
    history = clerk.get(f"/organisers/{issued.username}").html.select_one("[aria-labelledby=history-title]")
    assert history is not None
    assert "head of the school, with a code" in history.get_text()
    page = clerk.send(page, f"/organisers/{issued.username}/reinstate")
    assert page.path == "/misuse/1"
    assert verdict(panel, issued) == "granted"
    events = panel.browser(Role.ADMIN).get("/audit?actor=school").text
    assert "Blocked with the code of the head of the school" in events


def test_a_report_is_closed_once(panel: StaffedPanel, clerk: Browser, issued: IssuedCredential) -> None:
    """Without a result it is asked again; a colleague who was slower is told."""
    report(clerk, f"/organisers/{issued.username}/misuse")
    open_page, colleague = clerk.get("/misuse/1"), panel.browser(Role.ADMIN)
    before = colleague.get("/misuse/1")
    assert clerk.send(open_page, "/misuse/1/close", note="ohne").error_at("result")
    page = clerk.send(open_page, "/misuse/1/close", result="unclear", note="Niemand weiß etwas")
    for words in ("it remains unclear", "Niemand weiß etwas", "clerk-anna"):
        assert words in page.text
    late = colleague.send(before, "/misuse/1/close", result="confirmed")
    assert "This report was closed already." in late.text
    assert "it remains unclear" in late.text


def test_the_list_is_filtered_and_sent_as_a_table(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """Open ones first; the table has no words of people: a file outlives their deletion."""
    report(clerk, f"/organisers/{issued.username}/misuse", description="UNMISTAKABLE")
    clerk.send(clerk.get("/misuse/1"), "/misuse/1/close", result="unfounded")
    report(clerk, "/schools/gsw/misuse", reported_by="organiser")
    block(panel)
    for query, ids in (
        ("", ["3", "2", "1"]),
        ("?state=open", ["3", "2"]),
        ("?state=closed", ["1"]),
        ("?school=ohg", ["3", "1"]),
        ("?sort=at", ["1", "2", "3"]),
        ("?sort=school&down=1", ["3", "1", "2"]),
    ):
        page = clerk.get(f"/misuse{query}")
        rows = [str(link["href"]).rpartition("/")[2] for link in page.html.select("tbody th a")]
        assert rows == ids, query
    content = clerk.fetch("/tables/misuse.csv?state=open").get_data(as_text=True)
    assert "UNMISTAKABLE" not in content
    table = list(csv.reader(StringIO(content.removeprefix("\ufeff")), delimiter=";"))
    assert [(row[1], row[4]) for row in table[-2:]] == [
        ("Otto-Hahn-Gymnasium", "yes"),
        ("Grundschule am Weg", "no"),
    ]


@pytest.mark.parametrize(
    ("path", "target"), [("/misuse", "/schools"), ("/misuse?school=ohg", f"{SCHOOL}/misuse")]
)
def test_a_report_begins_at_the_list(panel: StaffedPanel, clerk: Browser, path: str, target: str) -> None:
    """With the form of the school whose reports are listed, else with the choice of a school."""
    begin = f'main .actions a[href="{target}"]'
    assert clerk.get(path).html.select_one(begin)
    assert not panel.browser(Role.AUDITOR).get(path).html.select_one(begin)


def test_an_auditor_sees_and_does_nothing(panel: StaffedPanel, issued: IssuedCredential) -> None:
    """Reports and the dates of codes, without a button."""
    block(panel, issued.username)
    auditor = panel.browser(Role.AUDITOR)
    for path in ("/", "/misuse", "/misuse/1", f"{SCHOOL}/report-codes"):
        page = auditor.get(path)
        assert page.status == 200
        assert page.actions() <= {"/language", "/sign-out"}, path
    for path in (f"{SCHOOL}/misuse", f"/organisers/{issued.username}/misuse"):
        assert auditor.get(path).status == 403


def new_code(clerk: Browser) -> Page:
    """Makes a code, by the button."""
    return clerk.press(f"{SCHOOL}/report-codes", f"{SCHOOL}/report-codes/issue")


def test_a_new_code_is_shown_once_and_works(
    panel: StaffedPanel, clerk: Browser, issued: IssuedCredential
) -> None:
    """On a sheet to print, with the address of the page; two minutes later it is gone."""
    page = new_code(clerk)
    secret = page.html.select_one(".secret")
    assert secret is not None
    code = secret.get_text().strip()
    assert "http://127.0.0.1:8702/report" in page.text
    assert page.response.headers["Cache-Control"] == "no-store"
    assert page.response.headers["Refresh"].endswith("/report-codes/new/over")
    panel.clock.advance(minutes=2)
    for path in (f"{SCHOOL}/report-codes/new", f"{SCHOOL}/report-codes/new/over"):
        assert code not in clerk.get(path).text
    assert code not in panel.browser(Role.ADMIN).get(f"{SCHOOL}/report-codes/new").text
    head = panel.browser()
    form = head.get("/report")
    assert head.send(form, code=code, username=issued.username).title == f"{issued.username} is blocked"
    assert "used, 20 Nov 2026, 08:57" in clerk.get(f"{SCHOOL}/report-codes").text


def test_done_wipes_the_code(clerk: Browser) -> None:
    """Somebody who goes back sees that it was shown once."""
    page = new_code(clerk)
    assert clerk.send(page, f"{SCHOOL}/report-codes/new/done").path == f"{SCHOOL}/report-codes"
    assert not clerk.get(f"{SCHOOL}/report-codes/new").html.select(".secret")


def sign_out(_panel: StaffedPanel, clerk: Browser) -> None:
    """Presses the button."""
    clerk.press("/", "/sign-out")


def suspend_her(panel: StaffedPanel, _clerk: Browser) -> None:
    """Suspends the clerk, which ends her sessions; the sweep comes within seconds."""
    with panel.database.write_session() as session:
        suspend_staff(session, "clerk-anna", actor=ACTOR, now=panel.clock())
    sweep(panel.parts)


@pytest.mark.parametrize("end", [sign_out, suspend_her])
def test_the_end_of_the_session_wipes_the_code(
    panel: StaffedPanel, clerk: Browser, end: Callable[[StaffedPanel, Browser], None]
) -> None:
    """Memory holds it no more; that of another session stays."""
    admin = panel.browser(Role.ADMIN)
    new_code(clerk)
    new_code(admin)
    end(panel, clerk)
    assert len(panel.parts.shown_report_codes.values(now=panel.clock())) == 1
    assert admin.get(f"{SCHOOL}/report-codes/new").html.select(".secret")


def test_a_double_click_makes_one_code(panel: StaffedPanel, clerk: Browser) -> None:
    """And shows it both times."""
    page = clerk.get(f"{SCHOOL}/report-codes")
    sheets = [clerk.send(page, f"{SCHOOL}/report-codes/issue") for _ in range(2)]
    assert len({str(sheet.html.select_one(".secret")) for sheet in sheets}) == 1
    assert len(panel.rows()["report_codes"]) == 1


def test_a_withdrawn_code_is_not_accepted(panel: StaffedPanel, clerk: Browser) -> None:
    """It reads like a wrong one; withdrawing again is told."""
    code = make_code(panel.database)
    page = clerk.get(f"{SCHOOL}/report-codes")
    assert "is withdrawn" in clerk.send(page, f"{SCHOOL}/report-codes/1/withdraw").flashes()[0]
    assert "already" in clerk.send(page, f"{SCHOOL}/report-codes/1/withdraw").flashes()[0]
    head = panel.browser()
    assert "not accepted" in head.send(head.get("/report"), code=code, what="school").error_at("code")


def test_another_schools_code_is_not_withdrawn(panel: StaffedPanel, clerk: Browser) -> None:
    """The address names both."""
    make_code(panel.database)
    clerk.ask("POST", "/schools/gsw/report-codes/1/withdraw", {"csrf_token": clerk.token()})
    assert len(panel.rows()["report_codes"]) == 1

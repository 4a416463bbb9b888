"""Opens every page that the panel has, with something on it."""

from collections.abc import Iterator
from io import BytesIO

from authbridge.storage.models import Role
from tests.support.panel.browser import Browser, Page, filled
from tests.support.panel.sample_data import SampleData, add_sample_data
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.staff import invite


def every_page(panel: StaffedPanel, **headers: str) -> Iterator[Page]:
    """Yields all pages in all states: empty, full, with errors, before and after the sign-in."""
    for browser, path in _first_visits(panel):
        yield _open(browser, path, headers)
    yield from _entry(panel, headers)
    sample = add_sample_data(panel.database)
    admin = panel.browser(Role.ADMIN)
    for path in _paths(sample):
        yield _open(admin, path, headers)
    for path in (
        "/",
        f"/schools/{sample.code}",
        f"/organisers/{sample.username}",
        "/journal",
        "/audit",
        "/holds",
        "/account",
        "/misuse/1",
        f"/schools/{sample.code}/report-codes",
    ):
        yield _open(panel.browser(Role.AUDITOR), path, headers)
    yield from _faults(admin, sample, headers)
    yield from _school_years(admin, sample, headers)
    yield from _imports(admin, headers)
    yield from _shown_once(admin, headers)
    yield from _errors(panel, admin, headers)
    panel.clock.advance(minutes=20)
    yield _open(admin, "/schools", headers)  # "expired"


def _open(browser: Browser, path: str, headers: dict[str, str]) -> Page:
    browser.headers.update(headers)
    return browser.get(path)


def _first_visits(panel: StaffedPanel) -> Iterator[tuple[Browser, str]]:
    """Yields the pages that are empty before there is a school."""
    admin = panel.browser(Role.ADMIN)
    for path in (
        "/",
        "/schools",
        "/organisers",
        "/search?q=abc",
        "/search",
        "/journal",
        "/audit?q=x",
        "/misuse",
        "/holds",
    ):
        yield admin, path
    for path in ("/data-protection", "/meeting-rules", "/server-check"):
        yield admin, path


def _entry(panel: StaffedPanel, headers: dict[str, str]) -> Iterator[Page]:
    guest, member = panel.browser(), panel.members[Role.CLERK]
    for path in ("/sign-in", "/sign-in?note=signed-out", "/sign-in?note=ended", "/invitation", "/nothing"):
        yield _open(guest, path, headers)
    yield from _report_page(panel, headers)
    yield guest.send(guest.get("/sign-in"), name="nobody", password="wrong")
    yield guest.send(guest.get("/invitation"), name="nobody", code="wrong")
    code = guest.show_password(member)
    yield code
    yield guest.send(code, code="000000")
    newcomer = panel.browser()
    newcomer.headers.update(headers)
    invited = invite(panel.parts.sign_in, "newcomer", Role.CLERK)
    enrol = newcomer.send(newcomer.get("/invitation"), name="newcomer", code=invited)
    yield enrol
    yield newcomer.send(enrol, password="short", repeated="other", code="1")


def _report_page(panel: StaffedPanel, headers: dict[str, str]) -> Iterator[Page]:
    guest = panel.browser()
    for path in (
        "/report",
        "/report/imprint",
        "/report/accessibility",
        "/report/nothing",
        "/report/blocked/none",
    ):
        yield _open(guest, path, headers)
    yield guest.send(guest.get("/report"), code="", username="")
    yield guest.send(guest.get("/report"), code="bbbb-cccc-dddd", username="ohg-kwtx")
    yield Page(guest.ask("POST", "/report", {"code": "x" * 10_000}))


def _paths(sample: SampleData) -> Iterator[str]:
    school, organiser = f"/schools/{sample.code}", f"/organisers/{sample.username}"
    yield from ("/", "/search?q=otto", "/search?q=ohg", "/search?q=zz", "/search?q=nothing-at-all")
    yield from ("/schools", "/schools?q=nothing", "/schools?show=suspended", "/schools?show=no-contract")
    yield from ("/schools/add", "/schools/s0", school, f"{school}/edit", f"{school}/issue")
    yield from ("/organisers", "/organisers?q=nothing", "/organisers?state=suspended", organiser)
    yield from ("/organisers?state=waiting", "/organisers?state=expiring&school=ohg")
    yield from ("/print-jobs/D7K-42P", "/print-jobs/D7K-42P/hand-out-list", "/terms")
    yield from (
        "/school-year",
        f"{school}/school-year",
        "/schools/s0/school-year",
        "/school-year/reports/none",
    )
    yield from ("/misuse", "/misuse?state=closed", f"/misuse?school={sample.code}", "/misuse/1", "/misuse/2")
    yield from (
        f"{school}/misuse",
        f"{organiser}/misuse",
        f"{school}/report-codes",
        "/schools/s0/report-codes",
    )
    yield from (f"{school}/report-codes/new", f"{school}/report-codes/new/over")
    for change in ("suspend", "reinstate", "end-sessions", "extend", "expire", "reset"):
        yield from (f"/selection/{change}?all=1&school=ohg", f"/selection/{change}")
    yield f"/selection/suspend?name={sample.username}&name=gone-gone&back=/organisers"
    yield from ("/meeting-rules", "/server-check")
    yield from ("/data-protection/deletions/2026-11-20", "/data-protection/deletions/2026-02-31")
    yield from ("/data-protection", f"/data-protection/accounts/{sample.username}")
    yield from (f"{organiser}/{name}" for name in ("reset", "validity", "delete"))
    yield from (
        "/staff",
        "/staff/add",
        "/staff/colleague-0",
        "/staff/colleague-0/delete",
        "/staff/admin-anna",
    )
    yield from ("/journal", "/journal?q=nobody", "/journal?outcome=expired", f"/journal?q={sample.username}")
    yield from ("/audit", "/audit?topic=staff&actor=alarm", "/audit?month=2026-11")
    yield from ("/holds", "/journal?hold=1", f"{organiser}/hold", "/journal?hold=none")
    yield from ("/account", "/account/password", "/account/recovery", "/confirm", "/credentials/gone")
    yield from ("/import/organisers", "/import/schools", "/import/organisers/gone", "/import/schools/gone")
    yield from ("/accessibility", "/imprint")


def _faults(admin: Browser, sample: SampleData, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)
    school, organiser = f"/schools/{sample.code}", f"/organisers/{sample.username}"
    yield admin.send(admin.get("/schools/add"), code="?", quota="many", contract_on="never", mailbox="@")
    yield admin.send(admin.get(f"{school}/edit"), name="", trusted_networks="here")
    yield admin.send(admin.get(f"{school}/edit"), revision="0", name="Another")
    yield admin.send(admin.get(f"{school}/issue"), count="0", valid_until="x", language="fr")
    yield admin.send(admin.get(f"{school}/issue"), shape="slips", size="large")
    yield admin.send(admin.get(f"{organiser}/validity"), valid_until="0001-01-01")
    yield admin.send(admin.get("/selection/extend?all=1&school=ohg"), "/selection/extend", valid_until="x")
    yield admin.send(admin.get("/selection/reset?all=1&q=s"), "/selection/reset", seen="stale")
    yield admin.send(admin.get(f"{organiser}/delete"), typed="another")
    yield admin.send(admin.get(organiser), f"{organiser}/suspension", note="x" * 201, reason="none of them")
    yield admin.send(admin.get("/staff/add"), name="?", role="king")
    yield admin.send(admin.get("/staff/colleague-0"), "/staff/colleague-0/role", role="king")
    yield admin.send(admin.get("/account/password"), current="wrong", password="x", repeated="y")
    yield admin.send(admin.get("/staff/colleague-0/delete"), typed="another")
    yield admin.send(admin.get(f"{school}/misuse"), username="", suspend="organiser", description="x" * 401)
    yield admin.send(admin.get(f"{school}/misuse"), username="", suspend="organiser")
    yield admin.send(admin.get(f"{school}/misuse"), username="gone-gone")
    yield admin.send(admin.get("/misuse/1"), "/misuse/1/close", result="none of them")
    yield admin.send(admin.get(f"{organiser}/misuse"), suspend="organiser", reported_by="other")
    yield admin.send(admin.get("/misuse/2"), "/misuse/2/close", result="unclear", note="Anruf")
    yield admin.send(admin.get(f"{organiser}/hold"), first="never", network="here", reason="", days="91")
    yield admin.send(
        admin.get(f"{organiser}/hold"), reason="Anzeige 17", last="2026-11-13", first="2026-11-20"
    )
    yield admin.send(admin.get(f"{organiser}/hold"), reason="Anzeige 17", network="198.51.100.7")
    yield admin.press("/holds", "/holds/1/end")
    yield admin.press(organiser, f"{organiser}/reinstate")
    yield admin.press(organiser, f"{organiser}/suspend")


def _school_years(admin: Browser, sample: SampleData, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)
    one, many = f"/schools/{sample.code}/school-year", "/school-year"
    yield admin.send(
        admin.get(one), one, step="foretell", count="x", who="number", others="day", transition="99"
    )
    foretold = admin.send(admin.get(one), one, step="foretell", stay=[sample.username])
    yield foretold
    yield admin.send(foretold, one, back="1")
    yield admin.send(foretold, one, step="carry-out", seen="stale")
    yield admin.send(foretold, one, step="carry-out")
    yield admin.send(admin.get(many), many, step="foretell", valid_until="x")
    foretold = admin.send(admin.get(many), many, step="foretell", all_schools="y", change="end")
    yield foretold
    yield admin.send(
        foretold, many, step="carry-out", seen=[*filled(foretold.form(many))["seen"].split(), "no:no"]
    )
    yield _open(admin, many, headers)


def _imports(admin: Browser, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)

    def send(kind: str, content: str) -> Page:
        return admin.send(admin.get(f"/import/{kind}"), table=(BytesIO(content.encode()), "t.csv"))

    yield admin.send(admin.get("/import/schools"))
    yield send("organisers", "school;username;password\nohg;a.b; c\n")
    yield send("organisers", "school;username;password\nnone;a.b;c\n")
    shown = send("organisers", "school;username;password;valid until\nohg;a.b;c;31.07.2028\nohg;d.e;f;\n")
    yield shown
    yield admin.send(shown, f"{shown.path}/run")
    yield send("schools", "code;place;networks;contract\nohg;Ulm;10.1.0.0/16;01.09.2026\nnone;;;\n")
    yield send("schools", "code\nohg\n")
    shown = send("schools", "code;name;place;networks\nohg;;Ulm;10.1.0.0/16\nnew;=1+1;;\n")
    yield shown
    yield admin.send(shown, f"{shown.path}/run")


def _shown_once(admin: Browser, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)
    yield admin.send(admin.get("/staff/add"), name="shown-once", role="clerk")
    yield admin.press("/schools/ohg/report-codes", "/schools/ohg/report-codes/issue")
    yield admin.send(admin.get("/account/recovery"))
    yield admin.send(admin.get("/schools/ohg/issue"), count="2", valid_until="2026-12-24")
    yield admin.send(admin.get("/organisers/ohg-0001/reset"))
    yield admin.send(admin.get("/schools/ohg/issue"), shape="slips")
    yield admin.press("/terms", "/terms/send")
    yield admin.get("/terms")


def _errors(panel: StaffedPanel, admin: Browser, headers: dict[str, str]) -> Iterator[Page]:
    for path in ("/nothing", "/schools/none", "/organisers/none", "/staff/nobody", "/static/nothing"):
        yield _open(admin, path, headers)
    clerk = panel.browser(Role.CLERK)
    yield _open(clerk, "/staff", headers)
    yield Page(clerk.ask("POST", "/schools"))
    yield Page(clerk.ask("PUT", "/schools"))
    yield Page(clerk.ask("POST", "/schools/add", {"name": "no token"}))
    yield Page(clerk.ask("POST", "/schools/add", {"name": "x" * 100_000, "csrf_token": clerk.token()}))

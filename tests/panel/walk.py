"""Opens every page that the panel has, with something on it."""

from collections.abc import Iterator

from authbridge.storage.models import Role
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office
from tests.panel.county import County, found_county
from workbench.staff import invite


def every_page(office: Office, **headers: str) -> Iterator[Page]:
    """All pages and their states: empty and full, with faults, before and after the sign-in, and errors."""
    for browser, path in _first_visits(office):
        yield _open(browser, path, headers)
    yield from _entry(office, headers)
    county = found_county(office.database)
    admin = office.browser(Role.ADMIN)
    for path in _paths(county):
        yield _open(admin, path, headers)
    for path in ("/", f"/schools/{county.code}", f"/organisers/{county.username}", "/account"):
        yield _open(office.browser(Role.AUDITOR), path, headers)
    yield from _faults(admin, county, headers)
    yield from _shown_once(admin, headers)
    yield from _errors(office, admin, headers)
    office.clock.advance(minutes=20)
    yield _open(admin, "/schools", headers)  # "expired"


def _open(browser: Browser, path: str, headers: dict[str, str]) -> Page:
    browser.headers.update(headers)
    return browser.get(path)


def _first_visits(office: Office) -> Iterator[tuple[Browser, str]]:
    """Before there is any school."""
    admin = office.browser(Role.ADMIN)
    for path in ("/", "/schools", "/organisers", "/search?q=abc", "/search"):
        yield admin, path


def _entry(office: Office, headers: dict[str, str]) -> Iterator[Page]:
    guest, member = office.browser(), office.members[Role.CLERK]
    for path in ("/sign-in", "/sign-in?note=signed-out", "/sign-in?note=ended", "/invitation", "/nothing"):
        yield _open(guest, path, headers)
    yield guest.send(guest.get("/sign-in"), name="nobody", password="wrong")
    yield guest.send(guest.get("/invitation"), name="nobody", code="wrong")
    code = guest.show_password(member)
    yield code
    yield guest.send(code, code="000000")
    newcomer = office.browser()
    newcomer.headers.update(headers)
    invited = invite(office.panel.sign_in, "newcomer", Role.CLERK)
    enrol = newcomer.send(newcomer.get("/invitation"), name="newcomer", code=invited)
    yield enrol
    yield newcomer.send(enrol, password="short", repeated="other", code="1")


def _paths(county: County) -> Iterator[str]:
    school, organiser = f"/schools/{county.code}", f"/organisers/{county.username}"
    yield from ("/", "/search?q=otto", "/search?q=ohg", "/search?q=zz", "/search?q=nothing-at-all")
    yield from ("/schools", "/schools?q=nothing", "/schools?show=suspended", "/schools?show=no-contract")
    yield from ("/schools/add", "/schools/s0", school, f"{school}/edit", f"{school}/issue")
    yield from ("/organisers", "/organisers?q=nothing", "/organisers?state=suspended", organiser)
    yield from (f"{organiser}/{name}" for name in ("reset", "validity", "delete"))
    yield from (
        "/staff",
        "/staff/add",
        "/staff/colleague-0",
        "/staff/colleague-0/delete",
        "/staff/admin-anna",
    )
    yield from ("/account", "/account/password", "/account/recovery", "/confirm", "/credentials/gone")


def _faults(admin: Browser, county: County, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)
    school, organiser = f"/schools/{county.code}", f"/organisers/{county.username}"
    yield admin.send(admin.get("/schools/add"), code="?", quota="many", contract_on="never", mailbox="@")
    yield admin.send(admin.get(f"{school}/edit"), name="", trusted_networks="here")
    yield admin.send(admin.get(f"{school}/edit"), revision="0", name="Another")
    yield admin.send(admin.get(f"{school}/issue"), count="0", valid_until="x", language="fr")
    yield admin.send(admin.get(f"{organiser}/validity"), valid_until="0001-01-01")
    yield admin.send(admin.get(f"{organiser}/delete"), typed="another")
    yield admin.send(admin.get(organiser), f"{organiser}/suspension", note="x" * 201, reason="none of them")
    yield admin.send(admin.get("/staff/add"), name="?", role="king")
    yield admin.send(admin.get("/staff/colleague-0"), "/staff/colleague-0/role", role="king")
    yield admin.send(admin.get("/account/password"), current="wrong", password="x", repeated="y")
    yield admin.send(admin.get("/staff/colleague-0/delete"), typed="another")
    yield admin.press(organiser, f"{organiser}/reinstate")
    yield admin.press(organiser, f"{organiser}/suspend")


def _shown_once(admin: Browser, headers: dict[str, str]) -> Iterator[Page]:
    admin.headers.update(headers)
    yield admin.send(admin.get("/staff/add"), name="shown-once", role="clerk")
    yield admin.send(admin.get("/account/recovery"))
    yield admin.send(admin.get("/schools/ohg/issue"), count="2", valid_until="2026-12-24")
    yield admin.send(admin.get("/organisers/ohg-0001/reset"))


def _errors(office: Office, admin: Browser, headers: dict[str, str]) -> Iterator[Page]:
    for path in ("/nothing", "/schools/none", "/organisers/none", "/staff/nobody", "/static/nothing"):
        yield _open(admin, path, headers)
    clerk = office.browser(Role.CLERK)
    yield _open(clerk, "/staff", headers)
    yield Page(clerk.ask("POST", "/schools"))
    yield Page(clerk.ask("PUT", "/schools"))
    yield Page(clerk.ask("POST", "/schools/add", {"name": "no token"}))
    yield Page(clerk.ask("POST", "/schools/add", {"name": "x" * 100_000, "csrf_token": clerk.token()}))

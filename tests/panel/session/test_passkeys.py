"""A passkey is a second factor beside the app: made once, used at the sign-in or instead of a fresh code."""

import json

import pytest

from authbridge.storage.models import AuditEvent, LoginFailure, Passkey, Role
from tests.support.authenticator import Authenticator, b64, unb64
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel
from workbench.staff import Member

SITE = "http://localhost:8702"
ANNA = Role.CLERK
ADD = "/account/passkeys/add"


@pytest.fixture(name="panel")
def open_panel(panel_factory: PanelFactory) -> StaffedPanel:
    """A panel at an address that has a name, for browsers allow no passkey at a bare IP address."""
    return panel_factory.open(AUTHBRIDGE_PANEL_URL=SITE)


@pytest.fixture(name="anna")
def find_anna(panel: StaffedPanel) -> Member:
    """A clerk."""
    return panel.members[ANNA]


@pytest.fixture(name="key")
def make_key(panel: StaffedPanel) -> Authenticator:
    """Anna's passkey, registered."""
    key = Authenticator(SITE)
    page = add(panel.browser(ANNA), key)
    assert page.path == "/account", page.errors()
    return key


def options_of(page: Page) -> str:
    """Returns what the page has its browser ask the authenticator for."""
    form = page.html.select_one("form[data-passkey]")
    assert form is not None, page.text
    return str(form["data-options"])


def add(browser: Browser, key: Authenticator, label: str = "Ring") -> Page:
    """Adds the passkey."""
    page = browser.get(ADD)
    return browser.send(page, label=label, passkey=key.create(options_of(page)))


def use(browser: Browser, page: Page, answer: str) -> Page:
    """Sends the answer of a passkey as the page's script does: without a code."""
    return browser.send(page, page.path, passkey=answer)


def events(panel: StaffedPanel) -> list[tuple[str, str]]:
    """Returns what the audit says of passkeys and sign-ins, with the factor."""
    with panel.database.read_session() as session:
        rows = session.query(AuditEvent).order_by(AuditEvent.id)
        return [
            (row.action, row.detail.get("factor", "")) for row in rows if row.actor == f"staff:{ANNA}-anna"
        ]


def count(panel: StaffedPanel, model: type[Passkey] | type[LoginFailure]) -> int:
    """Returns how many rows there are."""
    with panel.database.read_session() as session:
        return session.query(model).count()


def test_it_signs_in_after_the_password(panel: StaffedPanel, anna: Member, key: Authenticator) -> None:
    """It replaces the code, counts on, and stands in the audit."""
    browser = panel.browser()
    page = browser.show_password(anna)
    page = use(browser, page, key.get(options_of(page)))
    assert page.path == "/", page.errors()
    assert browser.get("/schools").status == 200
    assert events(panel)[-2:] == [("staff:add-passkey", ""), ("staff:sign-in", "passkey")]
    with panel.database.read_session() as session:
        (row,) = session.query(Passkey)
        assert (row.sign_count, row.label) == (1, "Ring")
        assert row.last_used_on == panel.clock().date()


def test_the_app_still_does(panel: StaffedPanel, anna: Member, key: Authenticator) -> None:
    """Also in a browser without JavaScript, in which the passkey's form stays hidden."""
    browser = panel.browser()
    page = browser.show_password(anna)
    form = page.html.select_one("form[data-passkey]")
    assert form is not None
    assert form.find_parent(hidden=True) is not None
    assert browser.send(page, code=anna.code_at(panel.clock())).path == "/"
    assert key.count == 0


def test_it_makes_the_factor_fresh(panel: StaffedPanel, key: Authenticator) -> None:
    """Where a fresh code is asked for, the passkey does as well; what was pressed is not forgotten."""
    browser = panel.browser(ANNA)
    page = browser.get("/account/recovery")
    panel.clock.advance(minutes=10)
    page = browser.send(page)
    assert page.path.startswith("/confirm")
    page = use(browser, page, key.get(options_of(page)))
    assert page.path == "/account/recovery"
    assert "Nothing is saved yet" in page.text


@pytest.mark.parametrize(
    "fault", ["replayed", "copied", "elsewhere", "another's", "tampered", "rubbish", "empty"]
)
def test_what_is_not_theirs_opens_nothing(
    panel: StaffedPanel, anna: Member, key: Authenticator, fault: str
) -> None:
    """Neither an old answer, nor a copy of the key, nor one for another address; each is a failure."""
    browser = panel.browser()
    page = browser.show_password(anna)
    options, other = options_of(page), Authenticator(SITE)
    other.create(json.dumps({"rp": {"id": "localhost"}, "challenge": "x"}))
    match fault:
        case "replayed":
            answer = key.get(options)
            use(browser, page, answer)
            browser = panel.browser()
            page = browser.show_password(anna)
        case "copied":
            use(browser, page, key.get(options))
            browser = panel.browser()
            page = browser.show_password(anna)
            key.count = 0
            answer = key.get(options_of(page))
        case "elsewhere":
            key.origin = "http://localhost.example"
            answer = key.get(options)
        case "another's":
            answer = other.get(options)
        case "tampered":
            parts = json.loads(key.get(options))
            signature = bytearray(unb64(parts["response"]["signature"]))
            signature[-1] ^= 1
            parts["response"]["signature"] = b64(bytes(signature))
            answer = json.dumps(parts)
        case "rubbish":
            answer = '{"id": [1], "rawId": "ä", "response": null}'
        case _:
            answer = ""
    page = use(browser, page, answer)
    assert (page.status, page.path) == (422, "/sign-in/code")
    assert page.errors() == ["This passkey was not accepted. Please try again, or type a code."]
    assert count(panel, LoginFailure) == 1
    assert browser.get("/schools").path.startswith("/sign-in")


def test_a_challenge_counts_once_and_for_five_minutes(
    panel: StaffedPanel, anna: Member, key: Authenticator
) -> None:
    """An answer that comes too late is told so, and is no failure."""
    browser = panel.browser()
    page = browser.show_password(anna)
    answer = key.get(options_of(page))
    panel.clock.advance(minutes=5)
    page = use(browser, page, answer)
    assert "took too long" in page.text
    assert count(panel, LoginFailure) == 0
    assert use(browser, page, key.get(options_of(page))).path == "/"


def test_guessing_waits_as_with_codes(panel: StaffedPanel, anna: Member, key: Authenticator) -> None:
    """Answers of wrong passkeys fill the same account of failures."""
    browser, other = panel.browser(), Authenticator(SITE)
    page = browser.show_password(anna)
    statuses = []
    for _ in range(6):
        page = use(browser, page, other.get(options_of(page)))
        statuses.append(page.status)
    assert statuses == [422] * 5 + [429]
    assert key.count == 0


def test_a_passkey_of_a_colleague_is_not_mine(panel: StaffedPanel, anna: Member, key: Authenticator) -> None:
    """Even with the right challenge: the account is that of the password."""
    admin = panel.members[Role.ADMIN]
    add(panel.browser(Role.ADMIN), Authenticator(SITE), "Safe")
    browser = panel.browser()
    page = browser.show_password(admin)
    page = use(browser, page, key.get(options_of(page)))
    assert (page.status, page.path) == (422, "/sign-in/code")
    assert anna.name != admin.name


def test_only_who_has_one_is_asked_for_it(panel: StaffedPanel, key: Authenticator) -> None:
    """The page after the password says nothing of passkeys to those without; before it, to nobody."""
    browser = panel.browser()
    assert "passkey" not in browser.get("/sign-in").response.text
    page = browser.show_password(panel.members[Role.ADMIN])
    assert "passkey" not in page.response.text
    assert key.count == 0


def test_it_can_be_removed_and_opens_nothing_then(
    panel: StaffedPanel, anna: Member, key: Authenticator
) -> None:
    """One click in the account, with a fresh code; nobody removes that of a colleague."""
    mine, other = panel.browser(ANNA), panel.browser(Role.ADMIN)
    action = "/account/passkeys/1/remove"
    assert "Ring" in mine.get("/account").text
    other.ask("POST", action, {"csrf_token": other.token()})
    assert count(panel, Passkey) == 1
    late, page = panel.browser(), None
    page = late.show_password(anna)
    gone = key.get(options_of(page))
    said = mine.press("/account", action)
    assert said.flashes() == ["The passkey is removed. It opens nothing any more."]
    assert use(late, page, gone).status == 422
    assert events(panel)[-1] == ("staff:remove-passkey", "")
    assert mine.ask("POST", action, {"csrf_token": mine.token()}).status_code == 303
    assert events(panel)[-1] == ("staff:remove-passkey", ""), "once"


@pytest.mark.parametrize("action", ["reset", "delete"])
def test_it_goes_with_the_account(panel: StaffedPanel, anna: Member, key: Authenticator, action: str) -> None:
    """Who is invited anew has none: the old one may be in the hands of a thief."""
    admin = panel.browser(Role.ADMIN)
    if action == "reset":
        admin.send(admin.get(f"/staff/{anna.name}/reset"))
    else:
        admin.send(admin.get(f"/staff/{anna.name}/delete"), typed=anna.name)
    assert count(panel, Passkey) == 0
    assert key.count == 0


def test_the_same_passkey_is_not_added_twice(panel: StaffedPanel, key: Authenticator) -> None:
    """Neither by its owner nor by a colleague; the page says so."""
    for role in (ANNA, Role.ADMIN):
        page = add(panel.browser(role), key)
        assert (page.status, page.errors()) == (422, ["This passkey is registered already."])
    assert count(panel, Passkey) == 1


@pytest.mark.parametrize("label", ["", "x" * 41, "\u202e"])
def test_a_label_is_short_and_visible(panel: StaffedPanel, label: str) -> None:
    """The label is shown in the list; nothing is stored else."""
    page = add(panel.browser(ANNA), Authenticator(SITE), label)
    assert page.status == 422
    assert page.error_at("label")
    assert count(panel, Passkey) == 0


@pytest.mark.parametrize("fault", ["elsewhere", "replayed", "rubbish", "empty"])
def test_what_the_browser_answers_is_verified(panel: StaffedPanel, fault: str) -> None:
    """A passkey for another address or another challenge is not stored, and rubbish is no error of ours."""
    browser, key = panel.browser(ANNA), Authenticator(SITE)
    page = browser.get(ADD)
    answer = key.create(options_of(page))
    match fault:
        case "elsewhere":
            answer = Authenticator("https://panel.example").create(options_of(page))
        case "replayed":
            page = browser.get(ADD)
        case "rubbish":
            answer = (
                '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30"}}'
            )
        case _:
            answer = ""
    page = browser.send(page, label="Ring", passkey=answer)
    assert (page.status, page.errors()) == (422, ["This passkey could not be read. Please try again."])
    assert count(panel, Passkey) == 0


def test_there_are_ten_at_most(panel: StaffedPanel) -> None:
    """Each is named in every question to the browser."""
    browser = panel.browser(ANNA)
    for number in range(10):
        assert add(browser, Authenticator(SITE), f"Key {number}").path == "/account"
    assert add(browser, Authenticator(SITE)).errors() == [
        "There are ten passkeys already. Please remove one first."
    ]


def test_no_passkeys_are_offered_at_a_bare_address(panel_factory: PanelFactory) -> None:
    """Browsers refuse them there, so the account does not speak of them."""
    browser = panel_factory.open().browser(ANNA)
    assert "passkey" not in browser.get("/account").text.lower()
    assert browser.get(ADD).status == 404

"""Tables are sent, looked at, and taken over as a whole or not at all; no password is shown or kept."""

import logging
from datetime import date
from io import BytesIO

import pytest
from sqlalchemy import select

from admin.serving import sweep
from admin.stores.import_tables import ImportTable
from authbridge.audit import Action
from authbridge.login.passwords import Hasher
from authbridge.login.typed_passwords import StoredPassword, parse_password
from authbridge.schools.commands import schools
from authbridge.storage.models import AuditEvent, Organiser, Role, School
from tests.support.factories import ACTOR, HASHER, make_school
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

SECRET = "Käsebrot; 77"
CREDENTIALS = (
    f'Schule;Anmeldename;Passwort;Gültig bis;\r\nohg;frau.a;"{SECRET}";31.07.2028;\r\n'
    "Otto-Hahn-Gymnasium;herr.b;Sommer 12;;\r\n;;;;\r\n"
)
SCHOOLS = "Kürzel;Name;Ort;Netze\nohg;Otto Hahn;Ulm;\nlmg;=Lise & Meitner;;10.1.0.0/16\n"


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens a clerk's browser, with one school there."""
    make_school(panel.database)
    return panel.browser(Role.CLERK)


def send(browser: Browser, content: str | bytes, kind: str = "organisers") -> Page:
    """Chooses a file and sends it."""
    encoded = content if isinstance(content, bytes) else content.encode("utf-8-sig")
    page = browser.get(f"/import/{kind}")
    return browser.send(page, table=(BytesIO(encoded), "Tabelle.csv"))


def run(browser: Browser, page: Page) -> Page:
    """Presses the button below what was foretold."""
    return browser.send(page, f"{page.path}/run")


def organisers(panel: StaffedPanel) -> dict[str, Organiser]:
    """Returns the organisers by name."""
    with panel.database.read_session() as session:
        return {each.username: each for each in session.scalars(select(Organiser))}


def events(panel: StaffedPanel) -> list[AuditEvent]:
    """Returns what clerks have done, oldest first."""
    with panel.database.read_session() as session:
        query = select(AuditEvent).where(AuditEvent.actor.startswith("staff:")).order_by(AuditEvent.id)
        return list(session.scalars(query))


def waiting(panel: StaffedPanel) -> ImportTable:
    """Returns the one table that waits for its sender."""
    (table,) = panel.parts.import_tables.all(now=panel.clock())
    return table


def faults(page: Page) -> list[str]:
    """Returns the faults of a table: line and sentence."""
    rows = page.html.select("#faults-title ~ table tbody tr, section:has(#faults-title) table tbody tr")
    return [" ".join(row.get_text(" ").split()) for row in rows]


def test_credentials_are_taken_over(panel: StaffedPanel, browser: Browser) -> None:
    """Looked at first, then in the database, with their last day; the audit has one event."""
    page = send(browser, CREDENTIALS)
    assert page.title == "Take over 2 accesses?"
    assert "Read as UTF-8, columns separated by semicolons." in page.text
    assert "Otto-Hahn-Gymnasium 2" in page.text
    assert not organisers(panel)

    page = run(browser, page)
    assert page.title == "2 accesses are taken over"
    taken = organisers(panel)
    assert {name: each.valid_until for name, each in taken.items()} == {
        "frau.a": date(2028, 7, 31),
        "herr.b": None,
    }
    stored = StoredPassword(taken["frau.a"].password_hash, generated=False)
    assert HASHER.matches(parse_password(SECRET), stored)
    (event,) = events(panel)
    assert (event.action, event.detail["usernames"]) == (Action.ORGANISER_IMPORT, ["frau.a", "herr.b"])


def test_a_second_press_takes_nothing_over_twice(panel: StaffedPanel, browser: Browser) -> None:
    """Of a double click, or on an old copy of the page."""
    page = send(browser, CREDENTIALS)
    run(browser, page)

    assert run(browser, page).title == "2 accesses are taken over"
    assert len(events(panel)) == 1


def test_faults_are_shown_by_line(panel: StaffedPanel, browser: Browser) -> None:
    """Those of the file at once, those of the database with the table; nothing can be taken over."""
    page = send(browser, "school;username;password\nohg;frau.a; Brot\nohg;frau.b;\n")
    assert page.status == 422
    assert faults(page)[0].startswith("2 The password begins or ends with a blank.")
    assert faults(page)[1].startswith("3 The password is empty")

    page = send(browser, "school;username;password\nxyz;frau.a;Brot\nNirgendwo;frau.b;Brot\n")
    assert faults(page) == [
        "2 There is no school with this short code or name.",
        "3 There is no school with this short code or name.",
    ]
    assert f"{page.path}/run" not in page.actions()
    assert not panel.rows()["organisers"]


def test_many_faults_do_not_make_a_page_without_end(browser: Browser) -> None:
    """The first hundred, and how many more there are."""
    lines = "".join(f"ohg;a.{number};\n" for number in range(130))
    page = send(browser, f"school;username;password\n{lines}")

    assert len(faults(page)) == 100
    assert "And 30 more." in page.text


def test_what_changed_meanwhile_stops_all_of_it(panel: StaffedPanel, browser: Browser) -> None:
    """Somebody else has taken one of the names over: the table is shown again, and nothing was done."""
    page = send(browser, CREDENTIALS)
    other = panel.browser(Role.ADMIN)
    run(other, send(other, "school;username;password\nohg;herr.b;Winter 13\n"))

    page = run(browser, page)
    assert faults(page) == ["3 There is an organiser “herr.b” already."]
    assert set(organisers(panel)) == {"herr.b"}


def test_schools_are_compared_and_imported(panel: StaffedPanel, browser: Browser) -> None:
    """Before and after of what changes; empty cells leave what is there; one event."""
    page = send(browser, SCHOOLS, "schools")
    cells = [" ".join(row.get_text(" ").split()) for row in page.html.select("tbody tr")]
    assert cells == [
        "Otto-Hahn-Gymnasium Name Otto-Hahn-Gymnasium Otto Hahn",
        "Otto-Hahn-Gymnasium Place – nothing Ulm",
        "=Lise & Meitner lmg Networks: 10.1.0.0/16",
    ]
    page = run(browser, page)
    assert page.flashes()[0] == "1 school is added, 1 is changed, 0 were so already."
    with panel.database.read_session() as session:
        found = {
            each.code: (each.name, each.place, each.revision) for each in session.scalars(select(School))
        }
    assert found == {"ohg": ("Otto Hahn", "Ulm", 2), "lmg": ("=Lise & Meitner", "", 1)}
    (event,) = events(panel)
    assert event.action == Action.SCHOOL_IMPORT
    assert "1 school added; 1 school changed" in panel.browser(Role.ADMIN).get("/audit").text


def test_a_school_that_was_changed_meanwhile_is_shown_again(panel: StaffedPanel, browser: Browser) -> None:
    """Nobody overwrites what they have not seen."""
    page = send(browser, SCHOOLS, "schools")
    with panel.database.write_session() as session:
        schools.change_school(session, "ohg", place="Bonn", actor=ACTOR, now=MORNING)

    page = run(browser, page)
    assert "Nothing was changed. Schools have changed since this was shown." in page.text
    assert "Bonn" in page.text
    assert run(browser, page).path == "/schools"


@pytest.mark.parametrize("language", ["en", "de"])
def test_our_own_list_says_nothing_new(panel: StaffedPanel, browser: Browser, language: str) -> None:
    """All that the list of schools has comes back as it went, in either language."""
    browser.headers["Accept-Language"] = language
    details = schools.SchoolDetails(
        street="=1+1; „Am“ Weg",
        place="01067 Dresden",
        mailbox="office@schule.example",
        contract_on=date(2026, 9, 1),
        trusted_networks=["10.1.0.0/16", "2001:db8::/48"],
        quota=7,
    )
    with panel.database.write_session() as session:
        schools.add_school(session, "0123", "-Straße, ß", **details, actor=ACTOR, now=MORNING)
        schools.add_school(session, "1e5", "12/3", actor=ACTOR, now=MORNING)

    page = send(browser, browser.fetch("/tables/schools.csv").data, "schools")
    assert {"en": "There is nothing to change: 3 schools", "de": "Es gibt nichts zu ändern: 3 Schulen"}[
        language
    ] in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_our_own_table_of_credentials_is_understood(
    panel: StaffedPanel, browser: Browser, language: str
) -> None:
    """With the name of the school instead of its code, and with the last day."""
    browser.headers["Accept-Language"] = language
    page = browser.send(browser.get("/schools/ohg/issue"), count="2", valid_until="31.07.2028", no_end="")
    table = browser.fetch(f"{page.path}/table.csv").data
    with panel.database.write_session() as session:
        session.query(Organiser).delete()

    run(browser, send(browser, table))
    assert {each.valid_until for each in organisers(panel).values()} == {date(2028, 7, 31)}


def test_a_table_in_another_encoding_says_so(browser: Browser) -> None:
    """So that a clerk looks at the umlauts."""
    page = send(browser, "Kürzel,Name\rhbg,Höhe\r".encode("cp1252"), "schools")

    assert (
        "Read as Windows-1252, columns separated by commas. Please check that umlauts are right." in page.text
    )
    assert "Höhe" in page.text


@pytest.mark.parametrize("kind", ["organisers", "schools"])
def test_no_file_is_a_sentence(browser: Browser, kind: str) -> None:
    """The button was pressed too early."""
    page = browser.send(browser.get(f"/import/{kind}"))

    assert page.status == 422
    assert page.error_at("table") == "Error: Please choose a file."


def test_a_file_may_be_larger_than_a_form_but_not_endless(browser: Browser) -> None:
    """One MiB where a file is expected, and only there."""

    def status(path: str, content: bytes) -> int:
        fields = {"csrf_token": browser.token().encode(), 'table"; filename="t.csv': content}
        parts = [
            b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
            for name, value in fields.items()
        ]
        body = b"".join((*parts, b"--x--\r\n"))
        return browser.ask(
            "POST", path, body, **{"Content-Type": "multipart/form-data; boundary=x"}
        ).status_code

    table = b"school;username;password\nohg;a.b;c\n" + b";;\n" * 300_000
    assert status("/import/organisers", table) == 303
    assert status("/import/organisers", table.ljust(1024 * 1024 + 1)) == 422
    assert status("/import/organisers", table.ljust(1_200_000)) == 413
    assert status("/schools/add", table) == 413


def test_a_table_is_for_its_session_alone(panel: StaffedPanel, browser: Browser) -> None:
    """Nobody else finds it, nor the same person in another session."""
    page = send(browser, CREDENTIALS)

    for other in (panel.browser(Role.CLERK), panel.browser(Role.ADMIN)):
        assert other.get(page.path).status == 410
        assert other.ask("POST", f"{page.path}/run", {"csrf_token": other.token()}).status_code == 410
    assert not organisers(panel)


def test_a_table_is_wiped(panel: StaffedPanel, browser: Browser) -> None:
    """When it is discarded, when another is sent, after ten minutes, and when the session ends."""
    first = send(browser, CREDENTIALS)
    table = waiting(panel)
    second = send(browser, CREDENTIALS)
    assert not table.credentials
    assert browser.get(first.path).status == 410
    table = waiting(panel)
    page = browser.send(second, f"/import/{table.id}/discard")
    assert "The table is discarded. Nothing was changed." in page.flashes()
    assert not table.credentials

    send(browser, CREDENTIALS)
    table = waiting(panel)
    panel.clock.advance(minutes=10)
    sweep(panel.parts)
    assert not table.credentials

    send(browser, CREDENTIALS)
    table = waiting(panel)
    browser.press("/", "/sign-out")
    assert not table.credentials


def test_a_table_of_an_expired_session_is_wiped_and_its_sender_told(
    panel: StaffedPanel, browser: Browser
) -> None:
    """The passwords are not kept for the next sign-in; the page says what to do."""
    page = send(browser, CREDENTIALS)
    table = waiting(panel)
    panel.clock.advance(hours=1)
    sweep(panel.parts)
    assert not table.credentials
    refused = run(browser, page)
    assert refused.path.startswith("/sign-in")

    page = browser.sign_in(panel.members[Role.CLERK])
    assert page.title == "This table is gone"
    assert "Not carried out: “Take over 2 accesses”." in page.flashes()[0]
    assert not organisers(panel)


def test_a_file_that_comes_after_the_session_is_not_kept(panel: StaffedPanel, browser: Browser) -> None:
    """The note does not promise that it comes back."""
    page = browser.get("/import/organisers")
    panel.clock.advance(hours=1)
    page = browser.send(page, table=(BytesIO(CREDENTIALS.encode()), "t.csv"))

    assert page.path.startswith("/sign-in")
    assert "comes back" not in page.text


def test_passwords_are_shown_and_logged_nowhere(
    panel: StaffedPanel, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on the page, nor in hidden fields, the database, a log or a ``repr``."""
    caplog.set_level(logging.DEBUG)
    page = send(browser, CREDENTIALS)
    table = waiting(panel)
    told = [str(page.html), repr(table), repr(panel.parts), page.path]
    told += [str(run(browser, page).html), str(panel.rows()), caplog.text]

    assert not [each for each in told if "Käsebrot" in each or "Sommer 12" in each]


def test_a_bug_while_hashing_changes_nothing(panel_factory: PanelFactory) -> None:
    """The page says so, and the button can be pressed again."""

    class Broken(Hasher):
        def hash(self, password: str, *, generated: bool) -> StoredPassword:
            raise RuntimeError(password, generated)

    panel = panel_factory.open(hasher=Broken(4))
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    page = run(browser, send(browser, CREDENTIALS))

    assert "Nothing was taken over. Something went wrong in the program itself." in page.text
    assert f"{page.path}/run" in page.actions()
    assert not organisers(panel)


def test_a_session_that_ends_while_hashing_takes_nothing_over(
    panel: StaffedPanel, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who has signed out must not find accounts that they did not see made."""
    page = send(browser, CREDENTIALS)

    def hash_and_end(_hasher: Hasher, password: str, *, generated: bool) -> StoredPassword:
        panel.parts.import_tables.sweep_sessions((), now=panel.clock())
        return StoredPassword(password[::-1], generated=generated)

    monkeypatch.setattr(Hasher, "hash", hash_and_end)
    assert run(browser, page).status == 410
    assert not organisers(panel)
    assert not events(panel)


def test_the_panel_says_it_in_german(browser: Browser) -> None:
    """Preview, faults and result."""
    browser.headers["Accept-Language"] = "de"
    page = send(browser, "Schule;Anmeldename;Passwort\nohg;frau.a;Brot \n")
    assert faults(page)[0].startswith("2 Das Passwort beginnt oder endet mit einem Leerzeichen.")
    page = send(browser, CREDENTIALS)
    assert page.title == "2 Zugänge übernehmen?"
    assert run(browser, page).title == "2 Zugänge sind übernommen"

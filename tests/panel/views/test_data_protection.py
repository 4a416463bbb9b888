"""The data-protection officer's page, what is kept about one account, and what staff see about themselves."""

import json
from datetime import date, timedelta

import pytest

from authbridge import deletion_records, retention
from authbridge.audit import Action
from authbridge.data_protection.inventory import INVENTORY
from authbridge.misuse.commands import MisuseDescription, report_misuse
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.models import AuditEvent, LoginAttempt, Reporter, Role, School
from tests.support.factories import ACTOR, LIMITS, make_organiser, make_school
from tests.support.filled_rows import fill
from tests.support.panel.browser import Page
from tests.support.panel.sample_data import make_deletion_record
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel

WEEK = timedelta(days=7)


def row(page: Page, title: str) -> str:
    """Returns the row of that table in the overview."""
    return next(
        " ".join(each.get_text(" ").split())
        for each in page.html.select("table.overview tbody tr")
        if title in each.get_text()
    )


def exports(panel: StaffedPanel) -> list[tuple[str, dict[str, bool]]]:
    """Returns what the audit knows of the data that was given out."""
    with panel.database.read_session() as session:
        events = session.query(AuditEvent).filter_by(action=Action.ORGANISER_EXPORT).order_by(AuditEvent.id)
        return [(event.actor, event.detail) for event in events]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "de",
            [
                "Datenschutz: Verzeichnis der Verarbeitung",
                "Kreismedienzentrum Musterkreis , Stand 20.11.2026, 08:55",
                "Art. 6 Abs. 1 Buchst. e DSGVO",
                "Wie lange Anmeldungen und Adressen aufgehoben werden 9 Tage",
                "SQLite, eine Datei auf diesem Rechner",
                "90 Tage nach dem Ende der Sperre",
            ],
        ),
        (
            "en",
            [
                "Data protection: record of processing",
                "Kreismedienzentrum Musterkreis , as of 20 Nov 2026, 08:55",
                "Art. 6(1)(e) GDPR",
                "How long journal and addresses are kept 9 days",
                "SQLite, a file on this machine",
                "90 days after the end of the suspension",
            ],
        ),
    ],
)
def test_the_page_is_made_from_tables_settings_and_the_operators_words(
    panel_factory: PanelFactory, language: str, said: list[str]
) -> None:
    """Dated, with the operator's name, in both languages; where the database is stays untold."""
    panel = panel_factory.open(AUTHBRIDGE_RETENTION_DAYS=9)
    auditor = panel.browser(Role.AUDITOR)
    auditor.headers["Accept-Language"] = language
    page = auditor.get("/data-protection")
    for words in said:
        assert words in page.text
    assert "authbridge.db" not in page.text
    for described in INVENTORY:
        columns = page.html.select(f"section[aria-labelledby=table-{described.table.name}] tbody th")
        assert [each.get_text() for each in columns] == list(described.columns)
        assert language == "de" or described.title in page.text


def test_the_oldest_row_and_a_late_deletion_are_shown(panel: StaffedPanel) -> None:
    """What is older than it may be is a fault, as is a deletion that has stopped."""
    auditor = panel.browser(Role.AUDITOR)
    page = auditor.get("/data-protection")
    assert "no data in order" in row(page, "Journal")
    assert page.flashes() == ["Old data has never been deleted. Please call the technician."]
    for days, state in ((6, "in order"), (8, "older than it may be")):
        with panel.database.write_session() as session:
            at = panel.clock() - timedelta(days=days)
            session.add(LoginAttempt(at=at, request_id="q", transport="tcp", node="n"))
        oldest = f"{14 if days == 6 else 12} Nov 2026"
        found = row(auditor.get("/data-protection"), "Journal")
        assert found.startswith("Journal of logins organisers all roles 7 days after the login")
        assert oldest in found
        assert found.endswith(state)
    retention.purge(panel.database, clock=panel.clock, retention=WEEK, limits=LIMITS)
    page = auditor.get("/data-protection")
    assert row(page, "Journal").endswith("14 Nov 2026, 08:55 in order")
    assert page.flashes() == []
    assert "it last did so on 20 Nov 2026, 08:55" in page.text
    panel.clock.advance(hours=2, seconds=1)
    (fault,) = panel.browser(Role.AUDITOR).get("/data-protection").flashes()
    assert fault.startswith("Old data was last deleted on 20 Nov 2026, 08:55 . That is overdue")


def test_each_night_has_its_record(panel: StaffedPanel) -> None:
    """The page lists them, each links to its own; what is wrong stands out, and a missing night."""
    auditor = panel.browser(Role.AUDITOR)
    assert "the first one is made in the coming night" in auditor.get("/data-protection").text
    with panel.database.write_session() as session:
        deletion_records.keep(session, make_deletion_record(0))
        deletion_records.keep(session, make_deletion_record(1, is_well=True))
    page = auditor.get("/data-protection")
    found = page.html.select("section[aria-labelledby=deletions-title] tbody tr")
    assert [" ".join(each.get_text(" ").split()) for each in found] == [
        "20 Nov 2026 1 table has older data not emptied 1 kept for too long",
        "19 Nov 2026 in order emptied in order",
    ]
    record = auditor.get("/data-protection/deletions/2026-11-20")
    assert "Journal of logins 2,318 20 Nov 2026, 08:55 20 Nov 2026, 08:55 older than it may be" in record.text
    assert "Schools 12 –" in record.text
    assert "/etc/nginx/nginx.conf was found to be at fault by log-nginx." in record.text
    for day in ("2026-11-18", "yesterday"):
        assert auditor.get(f"/data-protection/deletions/{day}").status == 404
    panel.clock.advance(hours=26, seconds=1)
    faults = panel.browser(Role.AUDITOR).get("/data-protection").flashes()
    assert "Last night this did not happen: please call the technician." in faults


def test_schools_without_a_contract_stand_first(panel: StaffedPanel) -> None:
    """Each school with the day of its contract, those without one counted."""
    for code in ("aa", "bb", "cc"):
        make_school(panel.database, code, f"Schule {code}")
    with panel.database.write_session() as session:
        for code in ("aa", "cc"):
            school = session.query(School).filter_by(code=code).one()
            school.contract_on = date(2025, 3, 1)
    page = panel.browser(Role.AUDITOR).get("/data-protection")
    found = page.html.select("section[aria-labelledby=contracts-title] tbody tr")
    assert [" ".join(each.get_text(" ").split()) for each in found] == [
        "Schule bb bb missing",
        "Schule aa aa 1 Mar 2025",
        "Schule cc cc 1 Mar 2025",
    ]
    assert "1 school has no contract." in page.text


def test_the_officers_page_is_a_click_away(panel: StaffedPanel) -> None:
    """For auditors from every page, for everybody from their own account."""
    assert "/data-protection" in panel.browser(Role.AUDITOR).get("/").links()
    clerk = panel.browser(Role.CLERK)
    assert "/data-protection" not in clerk.get("/").links()
    assert "/data-protection" in clerk.get("/account").links()
    assert clerk.get("/data-protection").status == 200


@pytest.mark.parametrize(("role", "has_addresses"), [(Role.CLERK, False), (Role.AUDITOR, True)])
def test_what_is_kept_about_an_account_for_each_role(
    panel: StaffedPanel, role: Role, *, has_addresses: bool
) -> None:
    """One button leads to a page and its file; addresses are for those who may see the journal."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    with panel.database.write_session() as session:
        session.add(
            LoginAttempt(
                at=panel.clock(),
                request_id="q",
                organiser_id=1,
                ip="198.51.100.7",
                user_agent="Firefox/1",
                transport="tcp",
                node="n",
                verdict="refused",
            )
        )
    browser = panel.browser(role)
    path = f"/data-protection/accounts/{name}"
    assert path in browser.get(f"/organisers/{name}").links()
    page = browser.get(path)
    assert ("198.51.100.7" in page.text) == has_addresses
    assert bool(page.flashes()) == (not has_addresses)
    assert "wrong password" in page.text
    assert "It is a hash" in page.text
    answer = browser.fetch(f"{path}.json")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}-2026-11-20.json"
    told = json.loads(answer.get_data())
    assert told["account"] == name
    assert ("ip" in told["sections"]["login_attempts"]["rows"][0]) == has_addresses
    assert exports(panel) == [(f"staff:{role}-anna", {"addresses": has_addresses})]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Please read it before you hand this out"),
        ("de", "Bitte lesen Sie es, bevor Sie diese Auskunft"),
    ],
)
def test_what_people_wrote_is_to_be_read_before_it_is_handed_out(
    panel: StaffedPanel, language: str, words: str
) -> None:
    """It may name others; the sentence stands where there is such a text, and in each file."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    clerk = panel.browser(Role.CLERK)
    clerk.headers["Accept-Language"] = language
    path = f"/data-protection/accounts/{name}"
    assert words not in clerk.get(path).text
    with panel.database.write_session() as session:
        told = MisuseDescription(Reporter.OTHER, description="Frau Muster war es")
        report_misuse(session, ORGANISER, name, told, actor=ACTOR, now=panel.clock())
    page = clerk.get(path)
    assert words in page.text
    assert "Frau Muster war es" in page.text
    assert words in json.loads(clerk.fetch(f"{path}.json").get_data())["notice"]


def test_of_an_unknown_account_nothing_is_noted(panel: StaffedPanel) -> None:
    """The page is not found, and the audit stays as it is."""
    clerk = panel.browser(Role.CLERK)
    for path in ("/data-protection/accounts/ohg-none", "/data-protection/accounts/ohg-none.json"):
        assert clerk.get(path).status == 404
    assert exports(panel) == []


def test_staff_see_what_is_kept_about_themselves(panel: StaffedPanel) -> None:
    """When they were added and last signed in, and in how many events their name stands."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    clerk = panel.browser(Role.CLERK)
    before = clerk.get("/account").html.select("section[aria-labelledby=kept-title] dd")
    clerk.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    after = clerk.get("/account").html.select("section[aria-labelledby=kept-title] dd")
    counts = [int(each[2].get_text().split()[0]) for each in (before, after)]
    assert counts[1] == counts[0] + 1
    assert "Your name is deleted there after 365 days." in clerk.get("/account").text


def test_an_access_called_like_a_colleague_adds_no_event_to_theirs(panel: StaffedPanel) -> None:
    """Login names may be imported; only events about members of staff count."""
    clerk = panel.browser(Role.CLERK)
    before = clerk.get("/account").html.select("section[aria-labelledby=kept-title] dd")
    with panel.database.write_session() as session:
        session.add(fill(AuditEvent, action=Action.ORGANISER_RESET, subject="clerk-anna"))
    after = clerk.get("/account").html.select("section[aria-labelledby=kept-title] dd")
    assert before[2].get_text() == after[2].get_text()

"""Odd addresses and fields get a page on either database, never an error of the program."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from authbridge.storage.database import Database
from authbridge.storage.models import Role
from tests.support.factories import HASHER
from tests.support.fakes import FakeClock
from tests.support.panel.staffed_panel import (
    StaffedPanel,
    StaffedTemplate,
    make_config,
    make_services,
    panel_factory_in,
)
from workbench.staff import enrol_member

ODD = [
    "\0",
    "a\0b",
    "\ud7ff",
    "ü" * 300,
    "'; DROP TABLE staff --",
    "%",
    "..",
    "<script>",
    "9" * 400,
    " ",
    "\u202e",
]


@pytest.fixture(name="either")
def open_on_either(
    database_url: str, tmp_path: Path, staffed_template: StaffedTemplate
) -> Iterator[StaffedPanel]:
    """Opens a panel on SQLite, and one on PostgreSQL."""
    services = make_services(Database(database_url), make_config(database_url, tmp_path), FakeClock(), HASHER)
    members = {Role.ADMIN: enrol_member(services, "admin-anna", Role.ADMIN)}
    services.database.engine.dispose()
    with panel_factory_in(
        tmp_path, replace(staffed_template, members=members), database_url
    ) as panel_factory:
        yield panel_factory.open()


def test_odd_addresses_are_pages(either: StaffedPanel) -> None:
    """Odd names, filters and page numbers in an address are answered with a page."""
    browser = either.browser(Role.ADMIN)
    for odd in map(quote, ODD):
        for place in (
            "/schools/",
            "/organisers/",
            "/staff/",
            "/credentials/",
            "/schools?q=",
            "/search?q=aaa",
        ):
            assert browser.get(f"{place}{odd}").status in {200, 404, 410}, (place, odd)
        for place in (
            "/organisers?q=",
            "/organisers?state=",
            "/schools?show=",
            "/schools?page=",
            "/sign-in?next=",
            "/audit?before=",
        ):
            assert browser.get(f"{place}{odd}").status == 200, (place, odd)


def test_no_row_has_an_odd_number(either: StaffedPanel) -> None:
    """Nor one with more digits than a database takes."""
    browser = either.browser(Role.ADMIN)
    for odd in [*map(quote, ODD), str(2**31), "9" * 18, "9" * 19, "-1"]:
        for place in ("/selection/undo/{}", "/account/passkeys/{}/remove"):
            answer = browser.ask("POST", place.format(odd), {"csrf_token": browser.token()})
            assert answer.status_code in {303, 404, 405}, (place, odd, answer.status_code)


def test_odd_fields_are_said_at_their_forms(either: StaffedPanel) -> None:
    """Odd fields get an error in the form, or a page that says not found."""
    browser = either.browser(Role.ADMIN)
    school = browser.get("/schools/add")
    for odd in ODD:
        fields = {"csrf_token": browser.token(), "name": odd, "network": odd, "back": odd}
        for place in (
            f"/organisers/{quote(odd)}/suspend",
            f"/account/sessions/{quote(odd)}/end",
            "/lockouts/clear",
        ):
            assert browser.ask("POST", place, fields).status_code in {303, 404, 405, 422}, (place, odd)
        page = browser.send(school, code=odd, name=odd, mailbox=odd, idempotency_key=odd, quota=odd)
        assert page.status == 422, odd


def test_odd_names_do_not_sign_in(either: StaffedPanel) -> None:
    """Odd names, passwords, codes and cookies do not sign in."""
    for odd in ODD:
        browser = either.browser()
        page = browser.send(browser.get("/sign-in"), name=odd, password=odd)
        assert page.status in {422, 429}, odd
        page = browser.send(browser.get("/invitation"), name=odd, code=odd)
        assert page.status in {422, 429}, odd
        browser.headers["Cookie"] = f"__Host-authbridge={quote(odd)}"
        assert browser.fetch("/schools").status_code == 303, odd

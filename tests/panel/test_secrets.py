"""No secret leaves the page on which it is shown: not to the database, a log, an address or a ``repr``."""

import logging
import re

import pytest

from authbridge.storage.models import Role
from tests.factories import make_school
from tests.panel.browsing import Browser, Page
from tests.panel.conftest import Office
from workbench.staff import invite

CODE = re.compile(r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b")
WRONG = "Kanu-Regen-Tulpe-91"


def secrets_of(page: Page) -> set[str]:
    """Codes and passwords that a page shows."""
    found = set(CODE.findall(page.text))
    assert found, page.text
    return found


def test_passwords_of_organisers_are_in_memory_only(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Issued, printed, downloaded, reset: no trace of them, with all that is logged."""
    caplog.set_level(logging.DEBUG)
    make_school(office.database)
    browser = office.browser(Role.CLERK)
    page = browser.send(browser.get("/schools/ohg/issue"), count="2")
    secrets = secrets_of(page)
    for name in ("letters.pdf", "table.csv"):
        browser.fetch(f"{page.path}/{name}")
    name = page.html.select(".secrets .code")[0].get_text(strip=True)
    secrets |= secrets_of(browser.send(browser.get(f"/organisers/{name}/reset")))
    assert len(secrets) == 3
    told = [
        str(office.rows()),
        caplog.text,
        repr(office),
        repr(office.panel.handouts),
        repr(office.panel.idempotent_forms),
    ]
    told += [repr(handout) for handout in office.panel.handouts._handouts.values()]  # noqa: SLF001 - what a log might say
    told += [page.path, *page.links()]
    told += [browser.get(path).text for path in ("/", "/schools/ohg", "/organisers", "/account")]
    assert not [secret for secret in secrets for each in told if secret in each]
    assert not [secret for secret in secrets for each in told if secret.replace("-", "") in each]


def test_what_staff_type_is_nowhere(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Right and wrong passwords, codes, the key of the app: neither stored in clear nor logged."""
    caplog.set_level(logging.DEBUG)
    anna = office.members[Role.CLERK]
    browser = office.browser()
    page = browser.send(browser.get("/sign-in"), name=anna.name, password=WRONG)
    page = browser.send(page, name=WRONG, password=WRONG)
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.recovery_codes[0])
    assert page.path == "/"
    code = invite(office.panel.sign_in, "bernd", Role.CLERK)
    newcomer = office.browser()
    page = newcomer.send(newcomer.get("/invitation"), name="bernd", code=code)
    key = page.html.select(".secret")[0].get_text()
    told = str(office.rows()) + caplog.text + repr(office)
    for secret in (WRONG, anna.password, anna.secret, *anna.recovery_codes, code, key, key.replace(" ", "")):
        assert secret not in told


def test_codes_for_staff_are_shown_on_one_page(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Invitations and recovery codes."""
    caplog.set_level(logging.DEBUG)
    admin = office.browser(Role.ADMIN)
    secrets = secrets_of(admin.send(admin.get("/staff/add"), name="bernd", role="clerk"))
    secrets |= secrets_of(admin.press("/staff/bernd", "/staff/bernd/reset"))
    secrets |= secrets_of(admin.send(admin.get("/account/recovery")))
    assert len(secrets) == 12
    told = str(office.rows()) + caplog.text + repr(office)
    told += "".join(
        admin.get(path).text for path in ("/staff", "/staff/bernd", "/account", "/account/recovery")
    )
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR, Role.ADMIN])
def test_no_page_shows_a_hash(office: Office, role: Role) -> None:
    """Nor the id of a session."""
    make_school(office.database)
    maker = office.browser(Role.CLERK)
    maker.send(maker.get("/schools/ohg/issue"), count="1")
    browser = office.browser(role)
    rows = office.rows()
    hashes = {str(row[3]) for row in rows["organisers"]} | {str(row[3]) for row in rows["staff"]}
    hashes |= {str(row[0]) for row in rows["staff_sessions"]}
    for path in ("/", "/schools/ohg", "/organisers", "/account", *_of_admins(role)):
        page = browser.get(path).response.get_data(as_text=True)
        assert not [each for each in hashes if each in page], path
        assert "$2b$" not in page


def _of_admins(role: Role) -> tuple[str, ...]:
    return ("/staff", "/staff/clerk-anna") if role is Role.ADMIN else ()


def test_addresses_hold_no_secret(office: Office) -> None:
    """Wherever somebody is led to, from the first step to the credentials."""
    make_school(office.database)
    anna, browser = office.members[Role.CLERK], office.browser()
    led: list[str] = []
    office.clock.advance(seconds=30)
    led += follow(browser, browser.get("/sign-in"), name=anna.name, password=anna.password)
    code = anna.code_at(office.clock())
    led += follow(browser, browser.get("/sign-in/code"), code=code)
    led += follow(browser, browser.get("/schools/ohg/issue"), count="1")
    secrets = {anna.password, code, anna.name, *secrets_of(browser.get(led[-1]))}
    assert not [place for place in led for secret in secrets if secret in place]


def follow(browser: Browser, page: Page, **typed: str) -> list[str]:
    """Where a form leads to."""
    return [browser.send_raw(page, follow=False, **typed).headers["Location"]]

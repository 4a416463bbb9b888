"""No secret leaves the page on which it is shown: not to the database, a log, an address or a ``repr``."""

import logging
import re

import pytest

from authbridge.storage.models import Role
from tests.support.factories import make_school
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.staff import invite

CODE = re.compile(r"\b[a-z]{4}-[a-z]{4}-[a-z]{4}\b")
WRONG = "Kanu-Regen-Tulpe-91"


def secrets_of(page: Page) -> set[str]:
    """Returns the codes and passwords that a page shows."""
    found = set(CODE.findall(page.text))
    assert found, page.text
    return found


def test_passwords_of_organisers_are_in_memory_only(
    panel: StaffedPanel, caplog: pytest.LogCaptureFixture
) -> None:
    """Issued, printed, downloaded and reset passwords are in no log, row, address or ``repr``."""
    caplog.set_level(logging.DEBUG)
    make_school(panel.database)
    browser = panel.browser(Role.CLERK)
    page = browser.send(browser.get("/schools/ohg/issue"), count="2")
    secrets = secrets_of(page)
    name = page.html.select(".secrets .code")[0].get_text(strip=True)
    for file in ("letters.pdf", "table.csv", "letters.zip", f"letters/{name}.pdf"):
        browser.fetch(f"{page.path}/{file}")
    secrets |= secrets_of(browser.send(browser.get(f"/organisers/{name}/reset")))
    assert len(secrets) == 3
    told = [
        str(panel.rows()),
        caplog.text,
        repr(panel),
        repr(panel.parts.handouts),
        repr(panel.parts.idempotent_forms),
    ]
    told += [repr(handout) for handout in panel.parts.handouts.all(now=panel.clock())]  # what a log might say
    told += [page.path, *page.links()]
    told += [browser.get(path).text for path in ("/", "/schools/ohg", "/organisers", "/account")]
    assert not [secret for secret in secrets for each in told if secret in each]
    assert not [secret for secret in secrets for each in told if secret.replace("-", "") in each]


def test_what_staff_type_is_nowhere(panel: StaffedPanel, caplog: pytest.LogCaptureFixture) -> None:
    """Typed passwords and codes, right or wrong, are neither stored in clear nor logged."""
    caplog.set_level(logging.DEBUG)
    anna = panel.members[Role.CLERK]
    browser = panel.browser()
    page = browser.send(browser.get("/sign-in"), name=anna.name, password=WRONG)
    page = browser.send(page, name=WRONG, password=WRONG)
    page = browser.send(page, name=anna.name, password=anna.password)
    page = browser.send(page, code=anna.recovery_codes[0])
    assert page.path == "/"
    code = invite(panel.parts.sign_in, "bernd", Role.CLERK)
    newcomer = panel.browser()
    page = newcomer.send(newcomer.get("/invitation"), name="bernd", code=code)
    key = page.html.select(".secret")[0].get_text()
    told = str(panel.rows()) + caplog.text + repr(panel)
    for secret in (WRONG, anna.password, anna.secret, *anna.recovery_codes, code, key, key.replace(" ", "")):
        assert secret not in told


def test_codes_for_staff_are_shown_on_one_page(panel: StaffedPanel, caplog: pytest.LogCaptureFixture) -> None:
    """Codes of invitations and recovery codes are shown on one page only."""
    caplog.set_level(logging.DEBUG)
    admin = panel.browser(Role.ADMIN)
    secrets = secrets_of(admin.send(admin.get("/staff/add"), name="bernd", role="clerk"))
    secrets |= secrets_of(admin.press("/staff/bernd", "/staff/bernd/reset"))
    secrets |= secrets_of(admin.send(admin.get("/account/recovery")))
    assert len(secrets) == 12
    told = str(panel.rows()) + caplog.text + repr(panel)
    told += "".join(
        admin.get(path).text for path in ("/staff", "/staff/bernd", "/account", "/account/recovery")
    )
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR, Role.ADMIN])
def test_no_page_shows_a_hash(panel: StaffedPanel, role: Role) -> None:
    """No page shows a hash, or the id of a session."""
    make_school(panel.database)
    maker = panel.browser(Role.CLERK)
    maker.send(maker.get("/schools/ohg/issue"), count="1")
    browser = panel.browser(role)
    rows = panel.rows()
    hashes = {str(row[3]) for row in rows["organisers"]} | {str(row[3]) for row in rows["staff"]}
    hashes |= {str(row[0]) for row in rows["staff_sessions"]}
    for path in ("/", "/schools/ohg", "/organisers", "/account", *_of_admins(role)):
        page = browser.get(path).response.get_data(as_text=True)
        assert not [each for each in hashes if each in page], path
        assert "$2b$" not in page


def _of_admins(role: Role) -> tuple[str, ...]:
    return ("/staff", "/staff/clerk-anna") if role is Role.ADMIN else ()


def test_addresses_hold_no_secret(panel: StaffedPanel) -> None:
    """No redirect, from the first step to the credentials, has a secret in its address."""
    make_school(panel.database)
    anna, browser = panel.members[Role.CLERK], panel.browser()
    led: list[str] = []
    panel.clock.advance(seconds=30)
    led += follow(browser, browser.get("/sign-in"), name=anna.name, password=anna.password)
    code = anna.code_at(panel.clock())
    led += follow(browser, browser.get("/sign-in/code"), code=code)
    led += follow(browser, browser.get("/schools/ohg/issue"), count="1")
    secrets = {anna.password, code, anna.name, *secrets_of(browser.get(led[-1]))}
    assert not [place for place in led for secret in secrets if secret in place]


def follow(browser: Browser, page: Page, **typed: str) -> list[str]:
    """Returns the address to which a form leads."""
    return [browser.send_raw(page, follow=False, **typed).headers["Location"]]

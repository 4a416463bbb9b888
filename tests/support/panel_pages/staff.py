"""Staff on the walk: at the door, among colleagues, at their own account, and as an auditor."""

from collections.abc import Iterator

import pyotp
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from authbridge.storage.models import Role
from tests.support.panel_browser import PanelBrowser, PanelServer
from tests.support.panel_pages.gestures import press
from tests.support.panel_pages.sample_schools import Sights
from tests.support.panel_pages.shown import Shown
from workbench.staff import Member, invite

_PASSWORD = "Elf Schafe lesen abends Zeitung"


def at_the_door(panel_browser: PanelBrowser, panel_server: PanelServer) -> Iterator[Shown]:
    """Yields a sign-in that fails, an invitation, the enrolment, and guesses at the code."""
    panel_browser.open("/sign-in")
    yield Shown("sign-in")
    panel_browser.send()
    yield Shown("sign-in-empty", 422)
    panel_browser.fill(name="nobody", password="wrong")
    panel_browser.send()
    yield Shown("sign-in-wrong", 422)
    for note in ("signed-out", "again", "expired", "expired-form", "expired-button", "ended", "ended-button"):
        panel_browser.open(f"/sign-in?note={note}")
        yield Shown(f"sign-in-{note}")

    for name in ("accessibility", "imprint"):
        panel_browser.open(f"/{name}")
        yield Shown(name)

    code = invite(panel_server.services, "neu", Role.CLERK)
    panel_browser.open("/invitation")
    yield Shown("invitation")
    panel_browser.fill(name="neu", code="bbbb-cccc-dddd")
    panel_browser.send()
    yield Shown("invitation-wrong", 422)
    panel_browser.fill(code=code)
    panel_browser.send()
    yield Shown("enrol")
    panel_browser.send()
    yield Shown("enrol-empty", 422)
    secret = panel_browser.text_of(".secret").replace(" ", "")
    panel_browser.fill(password=_PASSWORD, repeated=_PASSWORD, code=pyotp.TOTP(secret).now())
    panel_browser.send()
    yield Shown("enrol-recovery-codes")
    press(panel_browser, "form[action$='/sign-out'] button")
    panel_browser.fill(name="neu", password=_PASSWORD)
    panel_browser.send()
    yield Shown("code")
    panel_browser.fill(code="000000")
    panel_browser.send()
    yield Shown("code-wrong", 422)
    for number in range(1, 20):
        panel_browser.fill(code=f"{number:06}")
        panel_browser.send()
        if panel_browser.status == 429:
            break
    yield Shown("code-wait", 429)


def colleagues(panel_browser: PanelBrowser, panel_server: PanelServer, admin: Member) -> Iterator[Shown]:
    """Yields the list of staff, and an admin's actions on them."""
    panel_browser.open("/staff/add")
    yield Shown("staff-add")
    panel_browser.fill(name="Ä")
    panel_browser.send()
    yield Shown("staff-add-wrong", 422)
    panel_browser.fill(name="berta")
    panel_browser.send()
    yield Shown("staff-invited")
    clerk = panel_server.enrol(Role.CLERK)
    for name, path in (
        ("staff", "/staff"),
        ("staff-invited-one", "/staff/berta"),
        ("staff-me", f"/staff/{admin.name}"),
        ("staff-invitation-gone", "/staff/neu/invitation"),
        ("staff-invitation-over", "/staff/neu/invitation/over"),
        ("staff-delete", f"/staff/{clerk.name}/delete"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.fill(typed="jemand")
    panel_browser.send()
    yield Shown("staff-delete-wrong", 422)
    panel_browser.open(f"/staff/{clerk.name}")
    yield Shown("staff-one")
    panel_browser.open(f"/staff/{clerk.name}/reset")
    yield Shown("staff-invite-again")
    panel_browser.open(f"/staff/{clerk.name}")
    press(panel_browser, "form[action$='/suspend'] button")
    yield Shown("staff-just-suspended")


def account(panel_browser: PanelBrowser, admin: Member) -> Iterator[Shown]:
    """Yields the pages of a member's own account."""
    for name, path in (
        ("account", "/account"),
        ("account-password", "/account/password"),
        ("confirm", "/confirm"),
        ("account-recovery", "/account/recovery"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.send()
    yield Shown("account-recovery-codes")
    panel_browser.open("/account/password")
    panel_browser.fill(current=admin.password, password="kurz", repeated="anders")
    panel_browser.send()
    yield Shown("account-password-wrong", 422)


def passkeys(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields a passkey that is added, of an authenticator within the browser."""
    options = VirtualAuthenticatorOptions()
    options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    options.has_user_verification = options.is_user_verified = True
    panel_browser.browser.add_virtual_authenticator(options)
    panel_browser.open("/account/passkeys/add")
    yield Shown("passkey-add")
    panel_browser.fill(label="Schlüsselbund")
    press(panel_browser, "form[data-passkey] button[type=submit]")
    yield Shown("account-with-a-passkey")


def a_late_press(panel_browser: PanelBrowser, admin: Member) -> Iterator[Shown]:
    """Presses a button for which the code is no longer fresh, and shows a passkey instead."""
    panel_browser.open("/account")
    press(panel_browser, "form[action$='/remove'] button")
    yield Shown("confirm-with-a-passkey")
    press(panel_browser, "form[data-passkey] button")
    yield Shown("account-late-press")
    press(panel_browser, "form[action$='/sign-out'] button")
    panel_browser.fill(name=admin.name, password=admin.password)
    panel_browser.send()
    yield Shown("code-with-a-passkey")
    press(panel_browser, "form[data-passkey] button")


def as_auditor(panel_browser: PanelBrowser, panel_server: PanelServer, sights: Sights) -> Iterator[Shown]:
    """Yields an auditor's pages: a hold is confirmed, and adding a school is refused."""
    panel_browser.sign_in(panel_server.enrol(Role.AUDITOR))
    for name, path in (
        ("auditor-overview", "/"),
        ("auditor-schools", "/schools"),
        ("auditor-school", "/schools/ohg"),
        ("auditor-organiser", f"/organisers/{sights.suspended}"),
        ("auditor-misuse", "/misuse/2"),
        ("auditor-journal", "/journal?unknown=yes"),
        ("auditor-audit", "/audit?actor=staff"),
    ):
        panel_browser.open(path)
        yield Shown(name)
    panel_browser.open("/holds")
    yield Shown("auditor-holds")
    press(panel_browser, "form[action$='/confirm'] button")
    yield Shown("auditor-holds-confirmed")
    panel_browser.open("/schools/add")
    yield Shown("error-403", 403)

"""Switches the login page on and off: all of it can be taken back, and no running meeting ends.

On: first what leads nobody anywhere (Prosody's option, nginx, the socket); then, once the page answers and
Prosody takes tokens, the line of the website that sends people there.  Off: first that line.  nginx and
Prosody read their files again without a restart, as they do whenever their logs are rotated.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authbridge.errors import AuthBridgeError, ConfigError
from authbridge.machine.checks import prosody, website
from authbridge.machine.checks.prosody_look import Look
from authbridge.machine.files import Change, Machine, PlannedChanges
from authbridge.machine.findings import Finding, Level
from authbridge.machine.ledger import Ledger, Undone
from authbridge.machine.login_page import (
    OPTION,
    PATH,
    SERVICE,
    SOCKET,
    plan_for_nginx,
    plan_for_prosody,
    plan_for_socket,
    plan_for_website,
    sends_people,
)
from authbridge.machine.nginx_config import MAIN_FILE
from authbridge.machine.page_probes import page_answers, takes_tokens
from authbridge.machine.prosody_config import read_configuration
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import read_website

BY_WEBSITE, BY_PAGE = "page-website", "page"
"""The names of these changes in the ledger, in the order in which they are taken back."""

_GUESTS = "prosody-guests"
_OF_WEBSITE = ("website-organisers", "website-guests")
_PATIENCE = 30.0  # seconds until a program has taken up what it is told
_LOOK = 0.5  # seconds
_RELOAD_NGINX = ("systemctl", "reload", "nginx")
_RELOAD_PROSODY = ("systemctl", "reload", "prosody")


class PageError(AuthBridgeError):
    """Raised when the login page cannot be switched on or off as asked."""


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What has to be changed: first what leads nobody to the page, then what does."""

    page: Sequence[Change]
    website: Sequence[Change]


def plan_on(machine: Machine, setup: Setup, host: str) -> PagePlan:
    """Returns what switching on would change; what can fail fails here.

    Raises:
        AuthBridgeError: The page cannot be offered for that host on this machine; the sentence says why.
    """
    _require_host(machine, setup, host)
    _require_website(machine, setup)
    if machine.read(MAIN_FILE) is None:
        raise PageError("There is no nginx on this machine, and this command knows no other web server.")
    if machine.read(f"/etc/systemd/system/{SOCKET}") is None:
        raise PageError("The systemd unit %(unit)s is missing: give deploy/install again.", unit=SOCKET)
    page = PlannedChanges(machine)
    plan_for_prosody(page, setup)
    plan_for_nginx(page, setup)
    plan_for_socket(page)
    line = PlannedChanges(machine)
    plan_for_website(line, setup)
    plan = PagePlan(page.changes(), line.changes())
    _require_writable(machine, [*plan.page, *plan.website])
    return plan


def switch_on(machine: Machine, plan: PagePlan, setup: Setup, *, restart: bool = False) -> None:
    """Makes these changes, and has nginx, systemd and Prosody take them up.

    ``restart``: Prosody is restarted if it takes no tokens otherwise, which ends running meetings.

    Raises:
        PageError: nginx refuses its files: all is as before.  Or the page does not answer, or Prosody takes
            no tokens yet: nobody is led to the page, and the same command goes on from here.
        OSError: A file could not be written.
    """
    ledger = Ledger(machine)
    ledger.apply(plan.page, by=BY_PAGE)
    refusal = machine.run("nginx", "-t")
    if refusal is not None and refusal.code != 0:
        if plan.page:
            ledger.undo_last(BY_PAGE)
        raise PageError("nginx refuses its files; they are as before:\n%(words)s", words=refusal.errors)
    if machine.is_live:
        _open_page(machine, setup)
        _have_tokens_taken(machine, setup, restart=restart)
    ledger.apply(plan.website, by=BY_WEBSITE)


def switch_off(machine: Machine) -> list[Undone]:
    """Takes back what switching on has changed, what leads people to the page first.

    Prosody is not told: it takes the tokens of running meetings until it reads its files again, at the latest
    when its log is rotated.

    Raises:
        OSError: A file could not be written.  Switch off again when the cause is mended.
    """
    ledger = Ledger(machine)
    undone = [each for name in (BY_WEBSITE, BY_PAGE) for each in ledger.undo(name)]
    for command in (_RELOAD_NGINX, ("systemctl", "daemon-reload"), ("systemctl", "stop", SOCKET, SERVICE)):
        machine.run(*command)
    return undone


def left_on(machine: Machine, setup: Setup) -> str | None:
    """Returns the file and line that still send people to the page; None: nothing does."""
    found = read_website(PlannedChanges(machine), setup)
    return found.where("tokenAuthUrl") if found is not None and sends_people(found, setup) else None


def _require_host(machine: Machine, setup: Setup, host: str) -> None:
    if host.lower() != setup.host:
        raise ConfigError(
            "The service answers for %(ours)s (AUTHBRIDGE_XMPP_HOST), not for %(host)s.",
            ours=setup.host,
            host=host,
        )
    plan = PlannedChanges(machine)
    configuration = read_configuration(plan)
    if setup.host not in configuration.virtual_hosts:
        raise PageError("Prosody has no VirtualHost %(host)s.", host=setup.host)
    authentication = configuration.get(setup.host, "authentication")
    if authentication == "token":
        raise PageError(
            'Jitsi\'s own token provider is on %(host)s (authentication = "token"): one host cannot take both'
            " kinds of tokens.",
            host=setup.host,
        )
    if authentication != "external":
        raise PageError(
            "Organisers of %(host)s do not log in through AuthBridge yet: authbridge doctor says what is"
            " missing.",
            host=setup.host,
        )
    _require_sound(prosody.CHECKS[_GUESTS](Look(_GUESTS, plan, setup, configuration)))


def _require_website(machine: Machine, setup: Setup) -> None:
    plan = PlannedChanges(machine)
    found = read_website(plan, setup)
    if found is None:
        raise PageError(
            "%(file)s is missing: Jitsi's website is not on this machine.",
            file=f"/etc/jitsi/meet/{setup.host}-config.js",
        )
    if found.is_set("tokenAuthUrl") and not sends_people(found, setup):
        raise PageError(
            "%(where)s sends people elsewhere to log in (tokenAuthUrl).", where=found.where("tokenAuthUrl")
        )
    for option in ("tokenLogoutUrl", "tokenAuthInline"):
        if found.is_set(option):
            raise PageError(
                "%(where)s sets %(option)s, with which the login page does not work: take it out first.",
                where=found.where(option),
                option=option,
            )
    for finding in website.examine(plan, setup):
        if finding.id in _OF_WEBSITE:
            _require_sound(finding)


def _require_sound(finding: Finding) -> None:
    if finding.level is Level.ERROR:
        raise PageError("%(what)s  authbridge doctor says how to mend it.", what=finding.what)


def _require_writable(machine: Machine, changes: Sequence[Change]) -> None:
    for change in changes:
        folder = machine.path(change.name).parent
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PageError("%(folder)s cannot be written.", folder=folder)


def _open_page(machine: Machine, setup: Setup) -> None:
    machine.run(*_RELOAD_NGINX)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", SOCKET)
    if not _comes_true(lambda: page_answers(setup.host)):
        raise PageError(
            "https://%(host)s%(path)shealthz does not answer: nobody is led to the login page. journalctl -u"
            " %(unit)s says why; then give this command again.",
            host=setup.host,
            path=PATH,
            unit=SERVICE,
        )


def _have_tokens_taken(machine: Machine, setup: Setup, *, restart: bool) -> None:
    if takes_tokens(setup.host):
        return
    machine.run(*_RELOAD_PROSODY)
    if _comes_true(lambda: takes_tokens(setup.host)):
        return
    if restart:
        machine.run("systemctl", "restart", "prosody")
        if _comes_true(lambda: takes_tokens(setup.host)):
            return
    raise PageError(
        "Prosody does not take tokens yet (%(option)s), and nobody is led to the login page. If it runs with"
        " the module of a former release, it has to be restarted when no meeting is on, which ends running"
        " ones: give this command again then, with --restart.",
        option=OPTION,
    )


def _comes_true(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)
    return True

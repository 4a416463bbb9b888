"""Checks the website's settings (``config.js`` of jitsi-meet): where it sends whom, and what past Prosody."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.login_page import sends_people
from authbridge.machine.places import NotUnderstoodError, if_possible
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import WebsiteConfig, edit_website, read_website

_Check = Callable[[WebsiteConfig, Setup, partial[Finding]], Finding]


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields the findings about ``config.js``: hosts, tokens, conference requests and peer-to-peer."""
    checks: dict[str, _Check] = {
        "website-organisers": _organisers,
        "website-guests": _guests,
        "website-tokens": _tokens,
        "website-conference-request": _conference_request,
        "website-peer-to-peer": _peer_to_peer,
    }
    for finding_id, check in checks.items():
        finding = partial(Finding, finding_id)
        try:
            website = read_website(plan, setup)
            if website is None:
                found = finding(Level.OK, Remark("The settings of Jitsi's website are not on this machine."))
            else:
                found = check(website, setup, finding)
            yield replace(found, fix=found.fix and if_possible(plan, found.fix))
        except NotUnderstoodError as error:
            yield finding(
                Level.WARNING, Remark(error.sentence, **error.values), where=str(error.values["file"])
            )


def _organisers(website: WebsiteConfig, setup: Setup, finding: partial[Finding]) -> Finding:
    why = Remark("Only there AuthBridge is asked about a password.")
    for name, default in (("domain", None), ("authdomain", setup.host)):
        path = ("hosts", name)
        if (website.value(*path) or default) == setup.host:
            continue
        what = Remark("The website does not send organisers to %(host)s.", host=setup.host)
        fix = _put(setup, repr(setup.host), *path) if name == "authdomain" else None
        return finding(Level.ERROR, what, why, website.where(*path), f"{name}: '{setup.host}',", fix)
    return finding(Level.OK, Remark("The website sends organisers to %(host)s.", host=setup.host))


def _guests(website: WebsiteConfig, setup: Setup, finding: partial[Finding]) -> Finding:
    path, guests = ("hosts", "anonymousdomain"), setup.guest_host
    if website.value(*path) == guests:
        return finding(Level.OK, Remark("The website sends everybody else to %(host)s.", host=guests))
    return finding(
        Level.ERROR,
        Remark("The website does not send those without an account to %(host)s.", host=guests),
        Remark("It asks pupils and parents for a password that they do not have."),
        website.where(*path),
        f"anonymousdomain: '{guests}',",
        _put(setup, repr(guests), *path),
    )


def _tokens(website: WebsiteConfig, setup: Setup, finding: partial[Finding]) -> Finding:
    path = "tokenAuthUrl"
    if not website.is_set(path):
        return finding(Level.OK, Remark("The website asks for login name and password itself."))
    if sends_people(website, setup):
        return finding(Level.OK, Remark("The website sends people to our login page."))
    return finding(
        Level.ERROR,
        Remark("The website sends people elsewhere to log in (tokenAuthUrl)."),
        Remark("Then nobody is asked for the login name and the password of AuthBridge."),
        website.where(path),
        f"// {path}",
    )


def _conference_request(website: WebsiteConfig, setup: Setup, finding: partial[Finding]) -> Finding:
    path = "conferenceRequestUrl"
    if not website.is_set(path):
        return finding(Level.OK, Remark("The website sends requests for a meeting through Prosody."))
    return finding(
        Level.WARNING,
        Remark("The website sends requests for a meeting past Prosody (conferenceRequestUrl)."),
        Remark("A remembered login that was ended while Prosody was away is not noticed there."),
        website.where(path),
        f"{path}: '',",
        _put(setup, "''", path),
    )


def _peer_to_peer(website: WebsiteConfig, setup: Setup, finding: partial[Finding]) -> Finding:
    path = ("p2p", "enabled")
    # Without p2p, lib-jitsi-meet takes it for enabled; with p2p and without enabled, for disabled.
    is_on = website.is_set(*path) if website.find("p2p") else True
    if not is_on:
        return finding(Level.OK, Remark("Two people alone are connected through the server, too."))
    return finding(
        Level.WARNING,
        Remark("Two people alone are connected directly (p2p)."),
        Remark("A hostile client can keep such a connection after a suspension: no server can end it."),
        website.where(*path),
        "p2p: { enabled: false }",
        _put(setup, "false", *path),
    )


def _put(setup: Setup, value: str, *path: str) -> Callable[[PlannedChanges], None]:
    return lambda plan: edit_website(plan, setup, value, *path)

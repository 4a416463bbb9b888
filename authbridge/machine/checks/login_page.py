"""Checks the login page, where anything leads to it: that all of it is there, and that no token is logged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.login_page import (
    INCLUDE,
    OPTION,
    PATH,
    SERVICE,
    SNIPPET,
    SOCKET,
    SOCKET_LINK,
    is_of_this_release,
    login_places,
    logs_tokens,
    places,
    sends_people,
    serves,
)
from authbridge.machine.nginx_config import Directive, read_nginx
from authbridge.machine.page_probes import page_answers, takes_tokens
from authbridge.machine.places import NotUnderstoodError
from authbridge.machine.prosody_config import ConfigurationError, is_installed, read_configuration
from authbridge.machine.proxied import OVERWRITES
from authbridge.machine.setup import Setup
from authbridge.machine.website_config import WebsiteConfig, read_website

_WHY_HALF = Remark("An organiser who is sent to the login page and not let in afterwards opens no meeting.")
_UNSEEN = Remark("It cannot be seen here.")


@dataclass(frozen=True, slots=True)
class _Look:
    """What the files say; None: it cannot be read, or is not on this machine."""

    plan: PlannedChanges
    setup: Setup
    takes_tokens: bool | None
    nginx: Sequence[Directive] | None
    website: WebsiteConfig | None

    @property
    def sends(self) -> bool:
        """Tells whether the website sends people to the login page."""
        return self.website is not None and sends_people(self.website, self.setup)

    @property
    def is_on(self) -> bool:
        """Tells whether anything leads to the login page."""
        has_place = self.nginx is not None and bool(places(self.nginx, self.setup))
        return bool(self.takes_tokens) or has_place or self.sends or _is_enabled(self.plan)


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields the findings about the login page, or none where nothing leads to it."""
    look = _Look(plan, setup, _takes_tokens(plan, setup), _nginx(plan), _website(plan, setup))
    if look.is_on:
        for finding_id, check in CHECKS.items():
            try:
                yield check(look, partial(Finding, finding_id))
            except NotUnderstoodError as error:
                what = Remark(error.sentence, **error.values)
                yield Finding(finding_id, Level.WARNING, what, where=str(error.values["file"]))


def _option(look: _Look, finding: partial[Finding]) -> Finding:
    if look.takes_tokens is None:
        return finding(Level.WARNING, Remark("Prosody's configuration could not be read."))
    if look.takes_tokens:
        return finding(Level.OK, Remark("Prosody takes the tokens of the login page, by its configuration."))
    return finding(
        Level.ERROR if look.sends else Level.WARNING,
        Remark("Prosody does not take the tokens of the login page."),
        _WHY_HALF,
        f'VirtualHost "{look.setup.host}"',
        f"{OPTION} = true",
    )


def _place(look: _Look, finding: partial[Finding]) -> Finding:
    if look.nginx is None:
        return finding(Level.WARNING, Remark("There is no nginx here whose files could be read."))
    found = [each for each in places(look.nginx, look.setup) if serves(each, look.nginx)]
    if not found:
        return finding(
            Level.ERROR if look.sends else Level.WARNING,
            Remark("nginx has no place for the login page before those of rooms."),
            Remark("Jitsi's own patterns take its address for a room."),
            f"/etc/nginx/sites-available/{look.setup.host}.conf",
            f"{INCLUDE}  # {SNIPPET}",
        )
    faulty = [each for each in found if not each.is_sound]
    if faulty:
        return finding(
            Level.ERROR,
            Remark("nginx does not overwrite what a browser says to the login page about its address."),
            Remark(
                "Wrong passwords are counted by this address: a guesser could choose another one each time."
            ),
            faulty[0].directive.where,
            OVERWRITES,
        )
    if not is_of_this_release(look.plan):
        return finding(
            Level.WARNING,
            Remark("nginx' file for the login page is not as this release of AuthBridge has it."),
            Remark("An upgrade of AuthBridge leaves it as it is; the command writes it anew."),
            SNIPPET,
            f"authbridge page on {look.setup.host}",
        )
    return finding(Level.OK, Remark("nginx leads to the login page, with the addresses of browsers."))


def _line(look: _Look, finding: partial[Finding]) -> Finding:
    if look.website is None:
        return finding(Level.WARNING, Remark("The settings of Jitsi's website could not be read."))
    if look.sends:
        return finding(Level.OK, Remark("The website sends people to our login page."))
    return finding(
        Level.NOTE,
        Remark("The login page is prepared, and the website sends nobody there."),
        Remark("People get Jitsi's own dialog, as before."),
        look.website.where("tokenAuthUrl"),
        f"authbridge page on {look.setup.host}",
    )


def _without(option: str, why: Remark) -> "_Check":
    def check(look: _Look, finding: partial[Finding]) -> Finding:
        if look.website is None or not look.website.is_set(option):
            return finding(Level.OK, Remark("The website does not set %(option)s.", option=option))
        return finding(
            Level.ERROR,
            Remark("The website sets %(option)s.", option=option),
            why,
            look.website.where(option),
            f"// {option}",
        )

    return check


def _logs(look: _Look, finding: partial[Finding]) -> Finding:
    if look.nginx is None:
        return finding(Level.WARNING, Remark("There is no nginx here whose files could be read."))
    written = [each for each in login_places(look.nginx, look.setup) if logs_tokens(look.nginx, each)]
    if not written:
        return finding(Level.OK, Remark("nginx writes no token into its logs."))
    return finding(
        Level.ERROR,
        Remark("nginx writes the tokens of organisers into its logs."),
        Remark(
            "Browsers send the token in the address of BOSH and WebSocket: with it, a reader of the log can"
            " open meetings for twelve hours."
        ),
        written[0].directive.where,
        "access_log off;\nerror_log /var/log/nginx/error.log crit;",
    )


def _unit(look: _Look, finding: partial[Finding]) -> Finding:
    plan, why = look.plan, Remark("Then nginx has nobody to ask for the login page.")
    if plan.read(f"/etc/systemd/system/{SOCKET}") is None:
        what = Remark("The systemd unit %(unit)s is missing.", unit=SOCKET)
        return finding(Level.ERROR, what, why, SOCKET, "deploy/install")
    if not _is_enabled(plan):
        what = Remark("%(unit)s would not start after a reboot.", unit=SOCKET)
        return finding(Level.ERROR, what, why, SOCKET, f"systemctl enable --now {SOCKET}")
    answer = plan.machine.run("systemctl", "is-active", SOCKET)
    if answer is not None and answer.output.strip() in {"inactive", "failed"}:
        what = Remark("%(unit)s does not run.", unit=SOCKET)
        return finding(Level.ERROR, what, why, SOCKET, f"systemctl start {SOCKET}")
    return finding(Level.OK, Remark("systemd listens for the login page."))


def _answer(look: _Look, finding: partial[Finding]) -> Finding:
    if not look.plan.machine.is_live:
        return finding(Level.OK, _UNSEEN)
    if page_answers(look.setup.host):
        return finding(Level.OK, Remark("The login page answers through nginx."))
    return finding(
        Level.ERROR if look.sends else Level.WARNING,
        Remark("The login page does not answer through nginx."),
        _WHY_HALF,
        f"https://{look.setup.host}{PATH}healthz",
        f"systemctl status {SOCKET} {SERVICE}; journalctl -u {SERVICE} -n 50",
    )


def _door(look: _Look, finding: partial[Finding]) -> Finding:
    if not look.plan.machine.is_live:
        return finding(Level.OK, _UNSEEN)
    if takes_tokens(look.setup.host):
        return finding(Level.OK, Remark("The running Prosody takes the tokens of the login page."))
    return finding(
        Level.ERROR if look.sends else Level.WARNING,
        Remark("The running Prosody takes no tokens of the login page."),
        _WHY_HALF,
        f"https://{look.setup.host}/http-bind",
        "systemctl reload prosody",
    )


_Check = Callable[[_Look, partial[Finding]], Finding]

CHECKS: Mapping[str, _Check] = {
    "page-option": _option,
    "page-nginx": _place,
    "page-website": _line,
    "page-logout": _without(
        "tokenLogoutUrl",
        Remark("Jitsi's button to log out then leads there, and the login stays remembered for a day."),
    ),
    "page-inline": _without(
        "tokenAuthInline",
        Remark(
            "Jitsi then logs in within the meeting, which jicofo does not learn of: nobody becomes moderator."
        ),
    ),
    "page-logs": _logs,
    "page-unit": _unit,
    "page-answer": _answer,
    "page-tokens": _door,
}
"""Each check by the id of its finding."""


def _takes_tokens(plan: PlannedChanges, setup: Setup) -> bool | None:
    if not is_installed(plan):
        return None
    try:
        return read_configuration(plan).get(setup.host, OPTION) is True
    except ConfigurationError:
        return None


def _nginx(plan: PlannedChanges) -> Sequence[Directive] | None:
    try:
        return read_nginx(plan)
    except NotUnderstoodError:
        return None


def _website(plan: PlannedChanges, setup: Setup) -> WebsiteConfig | None:
    try:
        return read_website(plan, setup)
    except NotUnderstoodError:
        return None


def _is_enabled(plan: PlannedChanges) -> bool:
    return plan.machine.path(SOCKET_LINK).is_symlink()

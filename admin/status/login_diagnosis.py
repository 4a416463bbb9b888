"""Why an organiser does not get in, in one sentence, and what to do next, in another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from admin.panel import current_panel
from admin.status.lockout_rows import LockoutRow
from admin.status.spans import capital, span
from admin.web.i18n import clock, day, moment
from authbridge.login.diagnosis import Cause, Episode, LoginOutcome, NetworkKind, NextAction
from authbridge.schools.diagnosing import LoginWeek
from authbridge.schools.organiser_rows import OrganiserRow

_KINDS = {
    Cause.IN_ORDER: "good",
    Cause.NOT_TRIED: "quiet",
    Cause.NOT_TRIED_SINCE: "quiet",
    Cause.OPEN_AGAIN: "quiet",
    Cause.WAITED: "quiet",
    Cause.SUSPENDED: "bad",
    Cause.SCHOOL_SUSPENDED: "bad",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to "why does it not work?"; ``wait`` is the lockout to lift where ``action`` says so."""

    kind: str
    cause: str
    sentence: str
    advice: str
    action: str
    wait: LockoutRow | None


def explain(week: LoginWeek, organiser: OrganiserRow, waits: list[LockoutRow]) -> Explanation:
    """Returns the sentences for that week; ``waits`` are the lockouts that go on."""
    found = week.diagnosis
    wait = max(waits, key=lambda row: row.until, default=None)
    sentence = _SENTENCES[found.cause](week, organiser, wait)
    return Explanation(
        kind=_KINDS.get(found.cause, "warn"),
        cause=found.cause,
        sentence=capital(sentence),
        advice=_advice(found.cause, found.action, organiser),
        action=found.action,
        wait=wait,
    )


def where(network: NetworkKind | None) -> str:
    """Returns where logins came from, without an address."""
    match network:
        case NetworkKind.OWN:
            return _("from the school's own network")
        case NetworkKind.OTHER:
            return _("from another network")
        case NetworkKind.UNKNOWN:
            return _("from a place that is not known")
        case None:
            return _("from several networks")


def _suspended(week: LoginWeek, organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    since = organiser.suspended_at
    assert since is not None  # noqa: S101 - it is the cause
    sentence = _("This access has been suspended since %(moment)s.", moment=moment(since))
    return f"{sentence} {_right_password(week.diagnosis.episode)}".strip()


def _school_suspended(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    sentence = _("The whole school is suspended.")
    return f"{sentence} {_right_password(week.diagnosis.episode)}".strip()


def _expired(week: LoginWeek, organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    last_day = organiser.valid_until
    assert last_day is not None  # noqa: S101 - it is the cause
    sentence = _("This access was valid until %(day)s.", day=day(last_day))
    return f"{sentence} {_right_password(week.diagnosis.episode)}".strip()


def _right_password(episode: Episode | None) -> str:
    if episode is None or episode.outcome not in {LoginOutcome.SUSPENDED, LoginOutcome.EXPIRED}:
        return ""
    return _("The password was right (%(when)s).", when=_when(episode))


def _waiting(week: LoginWeek, _organiser: OrganiserRow, wait: LockoutRow | None) -> str:
    assert wait is not None  # noqa: S101 - it is the cause
    until, episode = clock(wait.until), week.diagnosis.episode
    if wait.username is None or episode is None:
        return _(
            "Many failed logins came from the same network; it has to wait until %(clock)s.", clock=until
        )
    return ngettext(
        "%(when)s: %(num)s wrong password %(where)s. Therefore there is a wait until %(clock)s.",
        "%(when)s: %(num)s wrong passwords %(where)s. Therefore there is a wait until %(clock)s.",
        episode.count,
        when=_when(episode),
        where=where(episode.network),
        clock=until,
    )


def _wrong_password(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    episode = _episode(week)
    return ngettext(
        "%(when)s: %(num)s wrong password %(where)s. Nothing is suspended.",
        "%(when)s: %(num)s wrong passwords %(where)s. Nothing is suspended.",
        episode.count,
        when=_when(episode),
        where=where(episode.network),
    )


def _misspelt(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    misspelt = week.misspelt
    assert misspelt is not None  # noqa: S101 - it is the cause
    when = span(misspelt.last, misspelt.last)
    return _(
        "%(when)s somebody typed the login name “%(typed)s”, which nobody has. Nothing is suspended.",
        when=when,
        typed=misspelt.typed,
    )


def _waited(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    return _("%(when)s there was a wait. It is over; nothing is suspended.", when=_when(_episode(week)))


def _busy(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    return _("%(when)s the login service had too much to do.", when=_when(_episode(week)))


def _open_again(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    return _("%(when)s the access was still closed; now it is open.", when=_when(_episode(week)))


def _not_tried_since(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    assert week.changed_at is not None  # noqa: S101 - it is the cause
    return _(
        "The access was changed %(when)s; since then nobody has tried to log in.",
        when=span(week.changed_at, week.changed_at),
    )


def _not_tried(_week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    return ngettext(
        "Within the last day nobody has tried to log in with this name. Nothing is suspended.",
        "Within the last %(num)s days nobody has tried to log in with this name. Nothing is suspended.",
        current_panel().config.retention_days,
    )


def _in_order(week: LoginWeek, _organiser: OrganiserRow, _wait: LockoutRow | None) -> str:
    episode = _episode(week)
    return _("It works: the last login got in (%(when)s).", when=span(episode.last, episode.last))


_SENTENCES: dict[Cause, Callable[[LoginWeek, OrganiserRow, LockoutRow | None], str]] = {
    Cause.SUSPENDED: _suspended,
    Cause.SCHOOL_SUSPENDED: _school_suspended,
    Cause.EXPIRED: _expired,
    Cause.WAITING: _waiting,
    Cause.MISSPELT_NAME: _misspelt,
    Cause.WRONG_PASSWORD: _wrong_password,
    Cause.WAITED: _waited,
    Cause.BUSY: _busy,
    Cause.OPEN_AGAIN: _open_again,
    Cause.NOT_TRIED_SINCE: _not_tried_since,
    Cause.NOT_TRIED: _not_tried,
    Cause.IN_ORDER: _in_order,
}


def _episode(week: LoginWeek) -> Episode:
    episode = week.diagnosis.episode
    assert episode is not None  # noqa: S101 - logins are the cause
    return episode


def _when(episode: Episode) -> str:
    return span(episode.first, episode.last)


def _advice(cause: Cause, action: NextAction, organiser: OrganiserRow) -> str:
    sentence = _IF_BUSY if cause is Cause.BUSY else _ADVICE[action]
    return str(sentence % {"name": organiser.username})


_IF_BUSY: Any = _l("Have it tried again; if it stays like this, call the technician.")
_ADVICE: dict[NextAction, Any] = {
    NextAction.REINSTATE: _l("Reinstate the access if the reason for the suspension is gone."),
    NextAction.OPEN_SCHOOL: _l("Nobody of this school gets in until the school is reinstated."),
    NextAction.EXTEND: _l("Extend the validity if the school still needs this access."),
    NextAction.LIFT_WAIT: _l("The wait ends by itself. Lift it if the caller needs to get in now."),
    NextAction.NEW_PASSWORD: _l(
        "Have the password compared with the letter; if it is lost, issue a new one."
    ),
    NextAction.COMPARE_NAME: _l("Have the login name compared letter by letter; it is %(name)s."),
    NextAction.TRY_AGAIN: _l("Have it tried again now, with the newest letter."),
    NextAction.NOTHING: _l("There is nothing to do."),
}

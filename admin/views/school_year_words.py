"""What is said of a change of the school year: before it, and in its report, group by group."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from admin.web.i18n import day
from authbridge.schools.year_plans import YearForecast, YearPlan
from authbridge.schools.year_reports import YearOutcome, YearReport


@dataclass(frozen=True, slots=True)
class Group:
    """Accesses to which the same happens; ``names`` are empty where they are not drawn yet."""

    label: str
    count: int
    names: tuple[str, ...] = ()
    is_grave: bool = False


def foretold(forecast: YearForecast, plan: YearPlan) -> list[Group]:
    """Returns the groups of a change that is still to come."""
    names = {
        YearOutcome.EXTENDED: forecast.extended,
        YearOutcome.RENEWED: forecast.renewed,
        YearOutcome.ENDING: forecast.ending,
        YearOutcome.UNCHANGED: forecast.unchanged,
        YearOutcome.ENDING_BEFORE: forecast.ending_before,
        YearOutcome.LET_GO: forecast.let_go,
        YearOutcome.EXPIRED: forecast.expired,
    }
    counts = {outcome: len(found) for outcome, found in names.items()} | {
        YearOutcome.ISSUED: forecast.new_accounts
    }
    return [
        Group(
            _label(outcome, plan.valid_until, plan.others_until, ends_at_once=plan.ends_at_once),
            counts[outcome],
            names.get(outcome, ()),
            is_grave=outcome is YearOutcome.ENDING,
        )
        for outcome in YearOutcome
        if counts[outcome]
    ]


def reported(report: YearReport) -> list[Group]:
    """Returns the groups of a change that is done."""
    return [
        Group(
            _label(outcome, report.valid_until, report.others_until, ends_at_once=report.ended_at_once),
            len(found),
            tuple(row.username for row in found),
            is_grave=outcome is YearOutcome.ENDING,
        )
        for outcome in YearOutcome
        if (found := [row for row in report.rows if row.outcome is outcome])
    ]


def done_to_one(report: YearReport, outcome: YearOutcome) -> str:
    """Returns what was done to one access, beside its last day."""
    if outcome is YearOutcome.ENDING and report.ended_at_once:
        return _("ended at once")
    return {
        YearOutcome.EXTENDED: _("stays, same password"),
        YearOutcome.RENEWED: _("stays, new password"),
        YearOutcome.ISSUED: _("new access"),
        YearOutcome.ENDING: _("runs out"),
        YearOutcome.UNCHANGED: _("stays as it is"),
        YearOutcome.ENDING_BEFORE: _("runs out by itself"),
        YearOutcome.LET_GO: _("runs out as the last change has set"),
        YearOutcome.EXPIRED: _("had expired already"),
    }[outcome]


def consequences(forecast: YearForecast, plan: YearPlan) -> Iterator[str]:
    """Yields what else the person who presses the button should know."""
    if forecast.bounded:
        yield ngettext(
            "%(num)s of those who stay had no end so far and gets one.",
            "%(num)s of those who stay had no end so far and get one.",
            len(forecast.bounded),
        )
    if forecast.suspended:
        yield ngettext(
            "%(num)s of those who stay is suspended and stays so: %(names)s.",
            "%(num)s of those who stay are suspended and stay so: %(names)s.",
            len(forecast.suspended),
            names=", ".join(forecast.suspended),
        )
    if forecast.renewed:
        yield from _about_old_passwords(plan.transition_until, has_suspended=bool(forecast.suspended))


def _about_old_passwords(transition_until: date | None, *, has_suspended: bool) -> Iterator[str]:
    if transition_until is None:
        yield _("The old passwords and letters are void at once, and every device is logged out.")
        return
    yield _("The old passwords count beside the new ones until %(day)s.", day=day(transition_until))
    if has_suspended:
        yield _("Old passwords of suspended accesses end at once: they may be the reason of the suspension.")


def _label(outcome: YearOutcome, valid_until: date, others_until: date, *, ends_at_once: bool) -> str:
    if outcome is YearOutcome.ENDING and ends_at_once:
        return _("End at once, logged out everywhere")
    return {
        YearOutcome.EXTENDED: _("Stay until %(day)s, with their present passwords", day=day(valid_until)),
        YearOutcome.RENEWED: _("Stay until %(day)s, with new passwords", day=day(valid_until)),
        YearOutcome.ISSUED: _("New accounts, valid until %(day)s", day=day(valid_until)),
        YearOutcome.ENDING: _("Run out on %(day)s", day=day(others_until)),
        YearOutcome.UNCHANGED: _("Stay as they are, valid for as long already"),
        YearOutcome.ENDING_BEFORE: _(
            "Run out by themselves, on %(day)s at the latest", day=day(others_until)
        ),
        YearOutcome.LET_GO: _("Run out as the last change has set"),
        YearOutcome.EXPIRED: _("Had expired already, and stay so"),
    }[outcome]

"""The change of a school year: for one school a page that asks, one that foretells, a report; or for many.

Nothing is stored between the pages: the one that foretells sends along what was chosen, and what it showed.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import issuing
from admin.forms.base import open_form
from admin.forms.school_years import YearForm, YearsForm
from admin.panel import current_panel, now, school_calendar, today
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.status.revocation_status import in_words, wait_for_nodes
from admin.status.running_meetings import ends_in_words
from admin.views import school_year_words as words
from admin.web.i18n import day, say
from admin.web.redirects import path_to
from admin.web.responses import form_page, page
from admin.web.spreadsheet import as_csv
from authbridge.errors import AuthBridgeError, StorageError
from authbridge.letters import Language
from authbridge.login.usernames import is_school_code
from authbridge.revocations.running import running_meetings
from authbridge.revocations.status import RevokedTogether
from authbridge.schools.commands.organisers import QuotaError, require_room
from authbridge.schools.commands.school_year import change_school_year
from authbridge.schools.issuing import Order
from authbridge.schools.lookup import get_school
from authbridge.schools.selection import require_as_shown
from authbridge.schools.year_overview import list_school_years
from authbridge.schools.year_plans import (
    MOST_LISTED,
    PresentAccess,
    YearForecast,
    YearPlan,
    foretell,
    list_present,
    stays_by_itself,
)
from authbridge.schools.year_reports import OutcomeRow, YearOutcome, YearReport, get_reports, list_changes
from authbridge.staff.permissions import Permission
from authbridge.storage.models import School

blueprint = Blueprint("school_years", __name__)

_REPORTS_SHOWN = 5  # of the latest; older ones are in the audit
_BUTTONS = frozenset({"csrf_token", "idempotency_key", "step", "seen", "stay"})


@blueprint.route("/schools/<code>/school-year", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def change(code: str) -> ResponseReturnValue:
    """Asks who stays and what becomes of the others; foretells it; carries it out."""
    school, present = _read(code)
    form = open_form(YearForm, **_chosen(present))
    if form.validate_on_submit() and "back" not in request.form:
        if request.form.get("step") == "carry-out" and (
            answer := submit_once(lambda: _carry_out(form, school, present))
        ):
            return answer
        return _foretell(form, school, present)
    return _ask(form, school, present)


def _ask(form: YearForm, school: School, present: tuple[PresentAccess, ...]) -> ResponseReturnValue:
    with current_panel().database.read_session() as session:
        latest = list_changes(session, school.code, now=now(), limit=_REPORTS_SHOWN)
    return form_page(
        "school_years/change.html",
        form,
        school=school,
        present=present,
        today=today(),
        most=MOST_LISTED,
        changes=latest,
    )


def _foretell(form: YearForm, school: School, present: tuple[PresentAccess, ...]) -> ResponseReturnValue:
    """Shows what would happen, and the errors of a button that was pressed; else the form with its errors."""
    plan = _plan(form, school)
    with form.show_errors({QuotaError: "count"}):
        forecast = foretell(present, plan)
        _require_room(school, plan)
        form.seen.data = forecast.seen
        return form_page(
            "school_years/foretold.html",
            form,
            school=school,
            groups=words.foretold(forecast, plan),
            consequences=[*words.consequences(forecast, plan), *_ends(forecast, plan)],
            forecast=forecast,
            sent=[(name, value) for name, value in request.form.items(multi=True) if name not in _BUTTONS],
        )
    return _ask(form, school, present)


def _require_room(school: School, plan: YearPlan) -> None:
    if plan.new_accounts and not plan.raises_quota:
        with current_panel().database.read_session() as session:
            require_room(session, school, plan.new_accounts)


def _ends(forecast: YearForecast, plan: YearPlan) -> Iterator[str]:
    """Yields which meetings it ends, where it ends sessions at once."""
    ended = _logged_out(forecast, plan)
    if ended:
        with current_panel().database.read_session() as session:
            yield ends_in_words(running_meetings(session, now=now()).of(ended))


def _logged_out(forecast: YearForecast, plan: YearPlan) -> tuple[str, ...]:
    renewed = forecast.renewed if plan.transition_until is None else ()
    return (*renewed, *(forecast.ending if plan.ends_at_once else ()))


def _carry_out(form: YearForm, school: School, present: tuple[PresentAccess, ...]) -> str | None:
    with form.show_errors({QuotaError: "count"}):
        plan = replace(_plan(form, school), seen=form.seen.data or "")
        forecast = foretell(present, plan)
        require_as_shown(is_so=plan.seen == forecast.seen)
        if forecast.is_empty:
            return None
        _require_room(school, plan)
        if forecast.letters:
            order = Order(school, forecast.letters, plan.valid_until, forecast.renewed, year=plan)
            return _start(form, replace(order, former_until=plan.transition_until))
        _change(plan)
        _say_done(_logged_out(forecast, plan))
        return path_to("school_years.report", run=plan.run)
    return None


def _start(form: YearForm, order: Order) -> str:
    language, large_print = Language(form.language.data), form.size.data == "large"
    handout_id = issuing.start(order, language, large_print=large_print, envelope=form.envelope)
    return path_to("credentials.show", handout_id=handout_id)


def _change(plan: YearPlan) -> YearForecast:
    return run_command(change_school_year, plan, keyed_hashes=current_panel().keyed_hashes).forecast


def _say_done(logged_out: tuple[str, ...]) -> None:
    status = wait_for_nodes(lambda _session: RevokedTogether(logged_out)) if logged_out else None
    said = [_("The change of the school year is carried out.")]
    flash("done", " ".join([*said, *([] if status is None else [in_words(status)])]))


def _read(code: str) -> tuple[School, tuple[PresentAccess, ...]]:
    with current_panel().database.read_session() as session:
        school = get_school(session, code)
        return school, list_present(session, school, now=now())


def _chosen(present: tuple[PresentAccess, ...]) -> dict[str, object]:
    """Returns what the form suggests, or what was chosen for letters that could not be made."""
    calendar = school_calendar()
    suggested = {
        "stay": tuple(each.username for each in present if stays_by_itself(each, calendar)),
        "valid_until": calendar.next_end(each.valid_until for each in present),
    }
    panel, owner = current_panel(), current_session().id_hash
    handout = panel.handouts.find(request.args.get("again", ""), owner, now=now())
    return suggested if handout is None or handout.year is None else suggested | _as_typed(handout.year)


def _as_typed(plan: YearPlan) -> dict[str, object]:
    transition = 0 if plan.transition_until is None else (plan.transition_until - plan.calendar.today).days
    return {
        "who": "number" if plan.new_accounts else "ticked",
        "stay": plan.stay or (),
        "count": plan.new_accounts or None,
        "raise_quota": plan.raises_quota,
        "passwords": "new" if plan.renews else "keep",
        "valid_until": plan.valid_until,
        "transition": transition,
        "others": "now" if plan.ends_at_once else "day",
        "others_until": plan.others_until,
    }


def _plan(form: YearForm, school: School) -> YearPlan:
    renews = form.passwords.data == "new" and not form.is_by_number
    return YearPlan(
        run=_new_run(),
        code=school.code,
        calendar=school_calendar(),
        valid_until=form.valid_until.data or today(),
        others_until=form.end_of_others,
        stay=form.names,
        renews=renews,
        transition_until=form.transition_until if renews else None,
        new_accounts=(form.count.data or 0) if form.is_by_number else 0,
        raises_quota=bool(form.raise_quota.data),
    )


def _new_run() -> str:
    return secrets.token_hex(6)


@blueprint.route("/school-year", methods=["GET", "POST"])
@needs(Permission.MANAGE)
def change_many() -> ResponseReturnValue:
    """Asks which schools change together; foretells it; carries it out, school by school."""
    form = open_form(YearsForm, valid_until=school_calendar().end)
    if form.validate_on_submit() and "back" not in request.form:
        if request.form.get("step") == "carry-out" and (answer := submit_once(lambda: _carry_out_many(form))):
            return answer
        if form.school.data or form.all_schools.data:
            return _foretell_many(form)
        form.form_errors.append(_("Please tick at least one school."))
    with current_panel().database.read_session() as session:
        schools = list_school_years(session, today=today())
        latest = list_changes(session, now=now(), limit=_REPORTS_SHOWN)
    return form_page("school_years/change_many.html", form, schools=schools, changes=latest)


def _foretell_many(form: YearsForm) -> ResponseReturnValue:
    wanted = None if form.all_schools.data else set(form.school.data or ())
    with current_panel().database.read_session() as session:
        schools = [
            each
            for each in list_school_years(session, today=today())
            if wanted is None or each.code in wanted
        ]
        present = {
            each.code: list_present(session, get_school(session, each.code), now=now()) for each in schools
        }
    forecasts = [(each, foretell(present[each.code], _plan_of(form, each.code))) for each in schools]
    form.school.data = tuple(each.code for each in schools)
    form.seen.data = tuple(f"{each.code}:{forecast.seen}" for each, forecast in forecasts)
    return form_page("school_years/foretold_many.html", form, forecasts=forecasts)


def _carry_out_many(form: YearsForm) -> str:
    """Changes one school after the other; a school that fails is named, and the others are done."""
    run, failed, is_done = _new_run(), defaultdict[str, list[str]](list), False
    shown = [each.partition(":") for each in form.seen.data or ()]
    for number, (code, _colon, seen) in enumerate(shown):
        try:
            forecast = _change(replace(_plan_of(form, code), run=run, seen=seen))
            is_done = is_done or not forecast.is_empty
        except StorageError as error:  # the others would wait for the same outage, one after the other
            failed[say(error)] += [each[0] for each in shown[number:]]
            break
        except AuthBridgeError as error:
            failed[say(error)].append(code)
    for why, codes in failed.items():
        flash("error", _("Nothing was done for %(codes)s. %(why)s", codes=", ".join(codes), why=why))
    if not is_done:
        if not failed:
            flash("warn", _("Nothing had to be changed."))
        return path_to("school_years.change_many")
    return path_to("school_years.report", run=run, failed=" ".join(chain(*failed.values())) or None)


def _plan_of(form: YearsForm, code: str) -> YearPlan:
    last_day, goes_on = form.valid_until.data or today(), form.change.data == "extend"
    return YearPlan(
        run="",
        code=code,
        calendar=school_calendar(),
        valid_until=last_day,
        others_until=last_day,
        stay=None if goes_on else (),
    )


@blueprint.get("/school-year/reports/<run>")
@needs(Permission.READ)
def report(run: str) -> ResponseReturnValue:
    """Shows what a change of the school year has done, for as long as the audit is kept."""
    failed = [code for code in request.args.get("failed", "").split() if is_school_code(code)]
    with current_panel().database.read_session() as session:
        reports = get_reports(session, run, now=now())
    shown = [each for each in reports if each.code == request.args.get("school")] or reports
    return page(
        "school_years/report.html",
        run=run,
        reports=shown,
        groups={each.event_id: words.reported(each) for each in shown},
        failed=failed,
        done_to_one=words.done_to_one,
    )


@blueprint.get("/school-year/reports/<run>.csv")
@needs(Permission.READ)
def table(run: str) -> ResponseReturnValue:
    """Sends the same as a table."""
    with current_panel().database.read_session() as session:
        reports = get_reports(session, run, now=now())
    headings = [_("School"), _("Login name"), _("What was done"), _("Valid until, so far"), _("Valid until")]
    rows = [_cells(each, row) for each in reports for row in each.rows]
    answer = make_response(as_csv([headings, *rows]))
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename=school-year-{run}.csv"
    return answer


def _cells(of: YearReport, row: OutcomeRow) -> list[str]:
    before = _("no end") if row.before is None else day(row.before)
    return [
        of.name,
        row.username,
        words.done_to_one(of, row.outcome),
        "" if row.outcome is YearOutcome.ISSUED else before,
        day(row.until),
    ]

"""Lists as files for a spreadsheet: all rows of the filter that a page shows, without any secret.

The one of schools can be imported again (:mod:`authbridge.schools.school_table`).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.status.figure_words import figure_in_words
from admin.status.misuse_words import reporter_in_words, result_in_words
from admin.status.organiser_queries import asked_query
from admin.status.usage_queries import asked_months, asked_schools
from admin.web.i18n import moment, month, typed_day
from admin.web.query_params import asked_choice, asked_code, asked_extent, asked_text
from admin.web.spreadsheet import as_csv
from authbridge.misuse.report_rows import ReportOrder, ReportRow, ReportState, list_reports
from authbridge.schools import listings
from authbridge.schools.listings import OrganiserOrder, SchoolOrder
from authbridge.schools.lookup import get_school
from authbridge.schools.organiser_rows import OrganiserRow, OrganiserState
from authbridge.schools.school_rows import SchoolFilter, SchoolRow
from authbridge.staff.permissions import Permission
from authbridge.statistics.figures import Usage

blueprint = Blueprint("tables", __name__, url_prefix="/tables")

_STATES = {
    OrganiserState.ACTIVE: _l("active"),
    OrganiserState.SUSPENDED: _l("suspended"),
    OrganiserState.SCHOOL_SUSPENDED: _l("school suspended"),
    OrganiserState.EXPIRED: _l("expired"),
}


@blueprint.get("/organisers.csv")
@needs(Permission.READ)
def organisers() -> ResponseReturnValue:
    """Sends the organisers of all schools, filtered."""
    return _organisers("", "organisers")


@blueprint.get("/schools/<code>.csv")
@needs(Permission.READ)
def school(code: str) -> ResponseReturnValue:
    """Sends the organisers of one school, filtered."""
    with current_panel().database.read_session() as session:
        found = get_school(session, code).code
    return _organisers(found, found)


@blueprint.get("/schools.csv")
@needs(Permission.READ)
def schools() -> ResponseReturnValue:
    """Sends the schools, filtered."""
    with current_panel().database.read_session() as session:
        listed = listings.list_school_rows(
            session,
            text=asked_text(),
            show=asked_choice("show", SchoolFilter) or SchoolFilter.ALL,
            extent=asked_extent(SchoolOrder, whole=True),
        )
    headings = [_("Name"), _("Short code"), _("Place"), _("State"), _("Organisers"), _("Most accounts")]
    headings += [_("Processing contract"), _("Street"), _("E-mail"), _("Networks")]
    return _file([headings, *map(_school_cells, listed.rows)], "schools")


@blueprint.get("/misuse.csv")
@needs(Permission.READ)
def misuse() -> ResponseReturnValue:
    """Sends the misuse reports, filtered; not what people wrote, for a file outlives its deletion."""
    with current_panel().database.read_session() as session:
        listed = list_reports(
            session,
            state=asked_choice("state", ReportState),
            code=asked_code(),
            extent=asked_extent(ReportOrder, whole=True),
            now=now(),
        )
    headings = (_("Reported"), _("School"), _("Login name"), _("Reported by"), _("Blocked with a code"))
    return _file([[*headings, _("Closed"), _("Result")], *map(_report_cells, listed.rows)], "misuse")


@blueprint.get("/statistics.csv")
@needs(Permission.READ)
def months() -> ResponseReturnValue:
    """Sends the statistics of a school, or of all together, a month a row."""
    asked = asked_months()
    rows = [[month(each.month), *_usage_cells(each.usage)] for each in asked.months]
    return _file([[_("Month"), *_usage_headings()], *rows], f"statistics-{asked.code or 'all'}")


@blueprint.get("/statistics-schools.csv")
@needs(Permission.READ)
def schools_usage() -> ResponseReturnValue:
    """Sends the statistics of a month or a school year, a school a row."""
    asked = asked_schools()
    rows = [[each.name, each.code, *_usage_cells(each.usage)] for each in asked.schools]
    headings = [_("School"), _("Short code"), *_usage_headings()]
    return _file([headings, *rows], f"statistics-schools-{asked.span.value}")


def _usage_headings() -> list[str]:
    return [_("Accounts"), _("Active"), _("Logins"), _("Meetings opened")]


def _usage_cells(usage: Usage | None) -> list[str]:
    if usage is None:
        return [""] * 4
    figures = (usage.accounts, usage.active, usage.logins, usage.meetings)
    return [figure_in_words(each, str) for each in figures]


def _organisers(code: str, name: str) -> ResponseReturnValue:
    asked = asked_query()
    with current_panel().database.read_session() as session:
        listed = listings.list_organiser_rows(
            session,
            replace(asked, code=code or asked.code),
            today=today(),
            extent=asked_extent(OrganiserOrder, whole=True),
        )
    headings = [_("School"), _("Login name"), _("State"), _("Last login"), _("Valid until")]
    in_words = cache(typed_day)  # thousands of rows have some hundred days
    return _file([headings, *(_organiser_cells(row, in_words) for row in listed.rows)], name)


def _organiser_cells(row: OrganiserRow, in_words: Callable[[date], str]) -> list[str]:
    last_login = _("never") if row.last_login_on is None else in_words(row.last_login_on)
    end = _("no end") if row.valid_until is None else in_words(row.valid_until)
    return [row.school_name, row.username, str(_STATES[row.state]), last_login, end]


def _school_cells(row: SchoolRow) -> list[str]:
    state = _("active") if row.suspended_at is None else _("suspended")
    contract = _("missing") if row.contract_on is None else typed_day(row.contract_on)
    numbers = [str(row.organisers), str(row.quota)]
    address = [row.street, row.mailbox, " ".join(row.trusted_networks)]
    return [row.name, row.code, row.place, state, *numbers, contract, *address]


def _report_cells(row: ReportRow) -> list[str]:
    closed = "" if row.closed_at is None else moment(row.closed_at)
    result = "" if row.result is None else result_in_words(row.result)
    by_code = _("yes") if row.by_code else _("no")
    who = reporter_in_words(row.reported_by)
    return [moment(row.at), row.school_name, row.username or "", who, by_code, closed, result]


def _file(rows: list[list[str]], name: str) -> ResponseReturnValue:
    answer = make_response(as_csv(rows))
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}-{today().isoformat()}.csv"
    return answer

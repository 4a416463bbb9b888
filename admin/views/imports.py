"""Tables that staff bring along: existing credentials, and schools; shown first, then taken over or not."""

from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from admin import importing
from admin.forms.base import open_form
from admin.forms.imports import TableForm
from admin.panel import current_panel, now
from admin.session.access import needs
from admin.session.commands import run_command, submit_once
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.stores.import_tables import ImportStep, ImportTable
from admin.web.i18n import say
from admin.web.redirects import path_to, redirect_to
from admin.web.responses import form_page, page
from admin.web.unattended import unattended
from admin.web.uploads import takes_file
from authbridge.errors import AuthBridgeError, ImportFileError
from authbridge.schools.commands.imports import SchoolPlan, find_schools, import_schools, plan_schools
from authbridge.staff.permissions import Permission
from authbridge.tables import MOST_ROWS

blueprint = Blueprint("imports", __name__, url_prefix="/import")

_MOST_FAULTS = 100  # shown at once; the rest is shown when these are mended


@blueprint.route("/organisers", methods=["GET", "POST"])
@needs(Permission.MANAGE)
@takes_file
def organisers() -> ResponseReturnValue:
    """Takes a table of existing credentials, to be looked at."""
    return _receive("imports/organisers.html", importing.keep_credentials)


@blueprint.route("/schools", methods=["GET", "POST"])
@needs(Permission.MANAGE)
@takes_file
def schools() -> ResponseReturnValue:
    """Takes a table of schools, to be looked at."""
    return _receive("imports/schools.html", importing.keep_schools)


def _receive(template: str, keep: Callable[[bytes], ImportTable]) -> ResponseReturnValue:
    form = open_form(TableForm)
    if form.validate_on_submit():
        try:
            table = keep(form.table.data.read())
        except ImportFileError as error:
            shown = page(template, form=form, faults=_Faults(error), most=MOST_ROWS)
            return make_response(shown, HTTPStatus.UNPROCESSABLE_ENTITY)
        return redirect_to(_show_of(table), table_id=table.id)
    return form_page(template, form, faults=_Faults(), most=MOST_ROWS)


@blueprint.get("/organisers/<table_id>")
@needs(Permission.MANAGE)
def show_organisers(table_id: str) -> ResponseReturnValue:
    """Shows what the table would do; then how far the work is, and what was done."""
    table = _find(table_id)
    if table is None:
        return _gone()
    match table.step:
        case ImportStep.HASHING:
            return page("imports/progress.html", table=table)
        case ImportStep.DONE:
            return page("imports/done.html", table=table)
        case ImportStep.SHOWN:
            return _foretell_organisers(table)


@blueprint.get("/schools/<table_id>")
@needs(Permission.MANAGE)
def show_schools(table_id: str) -> ResponseReturnValue:
    """Shows what the table would do."""
    table = _find(table_id)
    if table is None:
        return _gone()
    plan, faults = SchoolPlan((), (), 0), _Faults()
    try:
        with current_panel().database.read_session() as session:
            plan = plan_schools(session, table.schools)
    except ImportFileError as error:
        faults = _Faults(error)
    return page("imports/show_schools.html", table=table, plan=plan, faults=faults, error=_error_of(table))


def _foretell_organisers(table: ImportTable) -> ResponseReturnValue:
    found, faults = [], _Faults()
    try:
        with current_panel().database.read_session() as session:
            found = find_schools(session, table.credentials)
    except ImportFileError as error:
        faults = _Faults(error)
    return page(
        "imports/show_organisers.html",
        table=table,
        rows=list(zip(table.credentials, found, strict=False)),
        schools=sorted(Counter((each.name, each.code) for each in found).items()),
        faults=faults,
        error=_error_of(table),
    )


@blueprint.post("/organisers/<table_id>/run")
@needs(Permission.MANAGE)
def run_organisers(table_id: str) -> ResponseReturnValue:
    """Starts to take the credentials over."""
    table = _find(table_id)
    if table is None:
        return _gone()

    def start() -> str:
        if table.step is ImportStep.SHOWN:
            importing.start(table)
        return path_to("imports.show_organisers", table_id=table.id)

    return submit_once(start) or redirect_to("imports.show_organisers", table_id=table.id)


@blueprint.post("/schools/<table_id>/run")
@needs(Permission.MANAGE)
def run_schools(table_id: str) -> ResponseReturnValue:
    """Adds and changes the schools, if all is as it was shown."""
    table = _find(table_id)
    if table is None:
        return _gone()
    return submit_once(lambda: _import_schools(table)) or redirect_to(
        "imports.show_schools", table_id=table.id
    )


def _import_schools(table: ImportTable) -> str | None:
    try:
        plan = run_command(import_schools, table.schools, seen=request.form.get("seen", ""))
    except AuthBridgeError as error:
        table.stop(error.with_traceback(None))
        return None
    current_panel().import_tables.wipe(table, now=now())
    added = ngettext("%(num)s school is added", "%(num)s schools are added", len(plan.new))
    changed = ngettext("%(num)s is changed", "%(num)s are changed", len(plan.changed))
    same = ngettext("%(num)s was so already", "%(num)s were so already", plan.unchanged)
    flash("done", _("%(added)s, %(changed)s, %(same)s.", added=added, changed=changed, same=same))
    return path_to("schools.index")


@blueprint.post("/<table_id>/discard")
@needs(Permission.MANAGE)
def discard(table_id: str) -> ResponseReturnValue:
    """Wipes a table that is not to be taken over."""
    table = _find(table_id)
    if table is None:
        return redirect_to("overview.index")
    current_panel().import_tables.wipe(table, now=now())
    flash("done", _("The table is discarded. Nothing was changed."))
    return redirect_to("schools.index" if table.schools else "organisers.index")


@blueprint.get("/organisers/<table_id>/progress")
@needs(Permission.MANAGE)
@unattended
def progress(table_id: str) -> ResponseReturnValue:
    """Shows again how far the work is, for the page that polls."""
    table = _find(table_id)
    if table is None:
        return _gone()
    return page("imports/_progress.html", table=table, is_done=table.step is not ImportStep.HASHING)


class _Faults:
    """The faults of a table as they are shown: line and sentence, the first ones of ``total``."""

    def __init__(self, error: ImportFileError | None = None) -> None:
        faults: Sequence[tuple[int, AuthBridgeError]] = () if error is None else error.faults
        self.total = len(faults)
        self.shown = [(line, say(fault)) for line, fault in faults[:_MOST_FAULTS]]


def _show_of(table: ImportTable) -> str:
    return "imports.show_schools" if table.schools else "imports.show_organisers"


def _error_of(table: ImportTable) -> str | None:
    """Returns why the last attempt has changed nothing; faults of the table are looked for anew instead."""
    return None if table.error is None or isinstance(table.error, ImportFileError) else say(table.error)


def _find(table_id: str) -> ImportTable | None:
    return current_panel().import_tables.find(table_id, current_session().id_hash, now=now())


def _gone() -> ResponseReturnValue:
    return make_response(page("imports/gone.html"), HTTPStatus.GONE)

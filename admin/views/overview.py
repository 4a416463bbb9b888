"""The first page: is everything working, today's logins, meetings, lockouts, suspensions; and the search."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.panel import current_panel, now, today
from admin.session.access import may, needs
from admin.session.commands import run_command
from admin.session.flashes import flash
from admin.status.bell_chart import bell_chart
from admin.status.health import health_rows
from admin.status.lockout_rows import all_lockout_rows
from admin.status.tried_names import tried_in_words
from admin.views import lockouts
from admin.web.query_params import asked_text
from admin.web.redirects import redirect_back, redirect_to
from admin.web.responses import page
from admin.web.unattended import unattended
from authbridge.holds.hold_rows import count_unconfirmed
from authbridge.misuse.report_rows import ReportState, codes_guessed_at, list_reports
from authbridge.revocations import status
from authbridge.revocations.commands import forget_node
from authbridge.revocations.running import running_meetings
from authbridge.schools import listings
from authbridge.schools.listings import Extent
from authbridge.schools.overview import count_schools_without_contract, list_expiring, list_suspended
from authbridge.schools.search import find_by_text
from authbridge.schools.search_text import without_domain
from authbridge.schools.year_overview import list_reminders
from authbridge.staff.permissions import Permission

blueprint = Blueprint("overview", __name__)

_SHOWN = 10  # of each list; the rest is a click away


@blueprint.get("/")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Shows how things are."""
    with current_panel().database.read_session() as session:
        suspended = list_suspended(session, limit=_SHOWN)
        expiring = list_expiring(session, today=today())
        reminders = list_reminders(session, today=today(), now=now())
        without_contract = count_schools_without_contract(session)
        first_run = listings.list_school_rows(session).total == 0
        running = status.meetings(session, now=now())
        reports = list_reports(session, state=ReportState.OPEN, extent=Extent(size=_SHOWN), now=now())
        guessed_at = codes_guessed_at(session)
        unconfirmed_holds = count_unconfirmed(session, now=now()) if may(Permission.INSPECT) else 0
    lockout_rows = all_lockout_rows()
    return page(
        "overview/index.html",
        health=health_rows(),
        bell=bell_chart(),
        meetings=running,
        shown=_SHOWN,
        suspended=suspended.rows,
        suspended_total=suspended.total,
        lockouts=lockout_rows[:_SHOWN],
        lockouts_total=len(lockout_rows),
        reminders=reminders,
        today=today(),
        expiring=expiring,
        expiring_total=sum(row.organisers for row in expiring),
        schools_without_contract=without_contract,
        first_run=first_run,
        reports=reports,
        codes_guessed_at=guessed_at,
        unconfirmed_holds=unconfirmed_holds,
    )


@blueprint.get("/overview/health")
@needs(Permission.READ)
@unattended
def health() -> ResponseReturnValue:
    """Shows again whether everything is working, for the page that polls."""
    return page("overview/health.html", health=health_rows())


@blueprint.get("/overview/meetings")
@needs(Permission.READ)
@unattended
def meetings() -> ResponseReturnValue:
    """Shows again which meetings run, for the page that polls."""
    with current_panel().database.read_session() as session:
        running = status.meetings(session, now=now())
    return page("overview/meetings.html", meetings=running, shown=_SHOWN)


@blueprint.post("/nodes/forget")
@needs(Permission.APPOINT)
def forget() -> ResponseReturnValue:
    """Stops waiting for a meeting server that is gone for good."""
    node = request.form.get("node", "")
    run_command(forget_node, node)
    flash("done", _("The meeting server %(node)s is forgotten. If it asks again, it is back.", node=node))
    return redirect_to("overview.index")


@blueprint.get("/search")
@needs(Permission.READ)
def search() -> ResponseReturnValue:
    """Finds schools and organisers; what the text names exactly, and a print job by its number, is opened."""
    typed, panel = asked_text(), current_panel()
    with panel.database.read_session() as session:
        findings = find_by_text(session, without_domain(typed, panel.config.xmpp_host), today=today())
        running = running_meetings(session, now=now()) if findings and findings.organisers else None
    if findings is not None and findings.named_organiser:
        return redirect_to("organisers.show", username=findings.named_organiser)
    if findings is not None and findings.named_school:
        return redirect_to("schools.show", code=findings.named_school)
    if findings is not None and findings.named_print_job:
        return redirect_to("print_jobs.show", print_job=findings.named_print_job)
    return page(
        "overview/search.html", q=typed, findings=findings, running=running, tried=tried_in_words(typed)
    )


@blueprint.post("/lockouts/clear")
@needs(Permission.MANAGE)
def clear_lockout() -> ResponseReturnValue:
    """Ends the lockouts of an organiser, or of a whole network."""
    name, network = request.form.get("name", ""), request.form.get("network", "")
    if network:
        lockouts.clear_network(network)
    elif lockouts.is_of_staff(name):
        abort(403)
    else:
        lockouts.clear_name(name)
    return redirect_back("overview.index")

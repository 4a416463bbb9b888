"""The first page: is everything working, who is in, suspended or waits, what ends soon; and the search."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin import visits, waits
from admin.access import needs
from admin.health import HealthRow
from admin.pages import page, tell
from admin.panel import the_panel
from admin.places import see
from authbridge.revocations import status
from authbridge.revocations.commands import forget_node
from authbridge.schools import listings
from authbridge.schools.overview import count_schools_without_contract, list_expiring, list_suspended
from authbridge.schools.search import find_by_text
from authbridge.staff.permissions import Right

blueprint = Blueprint("overview", __name__)

_SHOWN = 10  # of each list; the rest is a click away
_SOON = 30  # days
_LONGEST_TEXT = 200  # characters of a search


@blueprint.get("/")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """How things are."""
    panel, today = the_panel(), visits.today()
    with panel.database.read_session() as session:
        suspended = list_suspended(session, limit=_SHOWN)
        expiring = list_expiring(session, today=today, limit=_SHOWN, days=_SOON)
        without_contract = count_schools_without_contract(session)
        first_run = listings.list_school_rows(session).total == 0
        running = status.meetings(session, now=visits.now())
    waiting = waits.all_waits()
    return page(
        "overview/index.html",
        health=_health(),
        meetings=running,
        shown=_SHOWN,
        suspended=suspended.rows,
        suspended_total=suspended.total,
        waits=waiting[:_SHOWN],
        waits_total=len(waiting),
        expiring=expiring.rows,
        expiring_total=expiring.total,
        schools_without_contract=without_contract,
        first_run=first_run,
    )


@blueprint.get("/overview/health")
@needs(Right.READ)
@visits.unattended
def health() -> ResponseReturnValue:
    """Is everything working, for the page that shows it."""
    return page("overview/health.html", health=_health())


@blueprint.get("/overview/meetings")
@needs(Right.READ)
@visits.unattended
def meetings() -> ResponseReturnValue:
    """Who is in, for the page that shows it."""
    with the_panel().database.read_session() as session:
        running = status.meetings(session, now=visits.now())
    return page("overview/meetings.html", meetings=running, shown=_SHOWN)


def _health() -> list[HealthRow]:
    panel = the_panel()
    with panel.database.read_session() as session:
        following = status.nodes(session, now=visits.now())
    return panel.health.rows(following, now=visits.now())


@blueprint.post("/nodes/forget")
@needs(Right.APPOINT)
def forget() -> ResponseReturnValue:
    """Waits no longer for a meeting server that is gone for good."""
    node = request.form.get("node", "")
    with the_panel().database.write_session() as session:
        forget_node(session, node, actor=visits.the_actor(), now=visits.now())
    tell("done", _("The meeting server %(node)s is forgotten. If it asks again, it is back.", node=node))
    return see("overview.index")


@blueprint.get("/search")
@needs(Right.READ)
def search() -> ResponseReturnValue:
    """Schools and organisers by some letters of theirs."""
    typed = request.args.get("q", "")[:_LONGEST_TEXT].strip()
    with the_panel().database.read_session() as session:
        findings = find_by_text(session, typed, today=visits.today())
    return page("overview/search.html", q=typed, findings=findings)


@blueprint.post("/waits/clear")
@needs(Right.MANAGE)
def clear_wait() -> ResponseReturnValue:
    """Lets somebody in who waits after failures, or a whole network."""
    name, network = request.form.get("name", ""), request.form.get("network", "")
    if network:
        waits.lift_of_network(network)
    elif waits.is_of_staff(name):
        abort(403)
    else:
        waits.lift(name)
    return see("overview.index")

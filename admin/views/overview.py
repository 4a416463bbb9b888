"""The first page: is everything working, who is in, suspended or waits, what ends soon; and the search."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs
from admin.status import lockout_rows
from admin.status.health import HealthRow
from admin.web.redirects import see
from admin.web.responses import page, tell
from authbridge import listings, nodes
from authbridge.commands.nodes import forget_node
from authbridge.rights import Right

blueprint = Blueprint("overview", __name__)

_SHOWN = 10  # of each list; the rest is a click away
_SOON = 30  # days
_LONGEST_TEXT = 200  # characters of a search


@blueprint.get("/")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """How things are."""
    panel, today = the_panel(), sessions.today()
    with panel.database.reading() as session:
        suspended = listings.suspended_now(session, limit=_SHOWN)
        expiring = listings.expiring(session, today=today, limit=_SHOWN, days=_SOON)
        without_contract = listings.schools_without_contract(session)
        first_run = listings.list_school_rows(session).total == 0
        running = nodes.meetings(session, now=sessions.now())
    waiting = lockout_rows.all_waits()
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
@sessions.unattended
def health() -> ResponseReturnValue:
    """Is everything working, for the page that shows it."""
    return page("overview/health.html", health=_health())


@blueprint.get("/overview/meetings")
@needs(Right.READ)
@sessions.unattended
def meetings() -> ResponseReturnValue:
    """Who is in, for the page that shows it."""
    with the_panel().database.reading() as session:
        running = nodes.meetings(session, now=sessions.now())
    return page("overview/meetings.html", meetings=running, shown=_SHOWN)


def _health() -> list[HealthRow]:
    panel = the_panel()
    with panel.database.reading() as session:
        following = nodes.nodes(session, now=sessions.now())
    return panel.health.rows(following, now=sessions.now())


@blueprint.post("/nodes/forget")
@needs(Right.APPOINT)
def forget() -> ResponseReturnValue:
    """Waits no longer for a meeting server that is gone for good."""
    node = request.form.get("node", "")
    with the_panel().database.writing() as session:
        forget_node(session, node, actor=sessions.the_actor(), now=sessions.now())
    tell("done", _("The meeting server %(node)s is forgotten. If it asks again, it is back.", node=node))
    return see("overview.index")


@blueprint.get("/search")
@needs(Right.READ)
def search() -> ResponseReturnValue:
    """Schools and organisers by some letters of theirs."""
    typed = request.args.get("q", "")[:_LONGEST_TEXT].strip()
    with the_panel().database.reading() as session:
        findings = listings.search(session, typed, today=sessions.today())
    return page("overview/search.html", q=typed, findings=findings)


@blueprint.post("/waits/clear")
@needs(Right.MANAGE)
def clear_wait() -> ResponseReturnValue:
    """Lets somebody in who waits after failures, or a whole network."""
    name, network = request.form.get("name", ""), request.form.get("network", "")
    if network:
        lockout_rows.lift_of_network(network)
    elif lockout_rows.is_of_staff(name):
        abort(403)
    else:
        lockout_rows.lift(name)
    return see("overview.index")

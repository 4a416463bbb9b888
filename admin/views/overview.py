"""The first page: is everything working, who is suspended, who waits, what ends soon; and the search."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from admin import visits, waits
from admin.access import needs
from admin.pages import page
from admin.panel import the_panel
from admin.places import see
from authbridge import listings
from authbridge.rights import Right

blueprint = Blueprint("overview", __name__)

_SHOWN = 10  # of each list; the rest is a click away
_SOON = 30  # days
_LONGEST_TEXT = 200  # characters of a search


@blueprint.get("/")
@needs(Right.READ)
def index() -> ResponseReturnValue:
    """How things are."""
    panel, today = the_panel(), visits.today()
    with panel.database.reading() as session:
        suspended = listings.suspended_now(session, limit=_SHOWN)
        expiring = listings.expiring(session, today=today, limit=_SHOWN, days=_SOON)
        without_contract = listings.schools_without_contract(session)
        first_run = listings.list_school_rows(session).total == 0
        nodes = listings.nodes(session, now=visits.now())
    waiting = waits.all_waits()
    return page(
        "overview/index.html",
        health=panel.health.rows(nodes, now=visits.now()),
        suspended=suspended.rows,
        suspended_total=suspended.total,
        waits=waiting[:_SHOWN],
        waits_total=len(waiting),
        expiring=expiring.rows,
        expiring_total=expiring.total,
        schools_without_contract=without_contract,
        first_run=first_run,
    )


@blueprint.get("/search")
@needs(Right.READ)
def search() -> ResponseReturnValue:
    """Schools and organisers by some letters of theirs."""
    typed = request.args.get("q", "")[:_LONGEST_TEXT].strip()
    with the_panel().database.reading() as session:
        findings = listings.search(session, typed, today=visits.today())
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

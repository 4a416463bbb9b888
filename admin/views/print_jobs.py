"""Print jobs: the letters that were printed at once, by the number that stands on each of them."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.panel import current_panel, now, today
from admin.session.access import needs
from admin.status.shown_credentials import still_shown
from admin.web.query_params import asked_extent
from admin.web.responses import page
from authbridge.revocations.running import running_meetings
from authbridge.schools import listings
from authbridge.schools.listings import OrganiserOrder
from authbridge.schools.organiser_filters import OrganiserQuery
from authbridge.schools.print_jobs import get_print_job
from authbridge.schools.selection import MOST_SELECTED, find_selection
from authbridge.staff.permissions import Permission

blueprint = Blueprint("print_jobs", __name__, url_prefix="/print-jobs")


@blueprint.get("/<print_job>")
@needs(Permission.READ)
def show(print_job: str) -> ResponseReturnValue:
    """Shows who printed how many letters when, and the organisers whose letters are still valid."""
    panel = current_panel()
    with panel.database.read_session() as session:
        job = get_print_job(session, print_job)
        asked, extent = OrganiserQuery(print_job=job.id), asked_extent(OrganiserOrder)
        rows = listings.list_organiser_rows(session, asked, today=today(), extent=extent)
        running = running_meetings(session, now=now())
    return page(
        "print_jobs/show.html",
        job=job,
        page=rows,
        extent=extent,
        running=running,
        handout=still_shown(lambda handout: handout.print_job == job.id),
    )


@blueprint.get("/<print_job>/hand-out-list")
@needs(Permission.READ)
def hand_out_list(print_job: str) -> ResponseReturnValue:
    """Shows a list for the school to print: who was handed which letter is written there by hand."""
    with current_panel().database.read_session() as session:
        job = get_print_job(session, print_job)
        asked = OrganiserQuery(print_job=job.id)
        usernames = listings.list_usernames(session, asked, today=today(), limit=MOST_SELECTED)
        rows = find_selection(session, usernames, today=today()).rows
    return page("print_jobs/hand_out_list.html", job=job, rows=rows)

"""What the doctor found on each server, for those who look after it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.session.access import needs
from admin.status.server_checks import server_checks
from admin.web.responses import page
from authbridge.staff.permissions import Permission

blueprint = Blueprint("server_check", __name__, url_prefix="/server-check")


@blueprint.get("")
@needs(Permission.INSPECT)
def index() -> ResponseReturnValue:
    """Shows the latest report of each server."""
    return page("server_check/index.html", checks=server_checks())

"""The rules that the meeting server keeps: what people see of them, and how often each stepped in."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.session.access import needs
from admin.status.rule_cards import shown_rules
from admin.web.responses import page
from authbridge.staff.permissions import Permission

blueprint = Blueprint("meeting_rules", __name__, url_prefix="/meeting-rules")


@blueprint.get("")
@needs(Permission.READ)
def index() -> ResponseReturnValue:
    """Shows each rule, for staff who help on the telephone."""
    return page("meeting_rules/index.html", shown=shown_rules())

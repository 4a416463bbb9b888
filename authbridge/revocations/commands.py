"""Changes the list of the Prosody servers that follow the feed; they enter themselves."""

from datetime import datetime

from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import NotFoundError
from authbridge.revocations import reports


def forget_node(session: Session, node: str, *, actor: Actor, now: datetime) -> None:
    """Forgets a Prosody that is gone for good; if it asks again, it is listed again.

    Raises:
        NotFoundError: No Prosody of that name follows the feed.
    """
    if not reports.forget_node(session, node):
        raise NotFoundError("There is no node “%(node)s”.", node=node)
    record(session, actor=actor, action=Action.NODE_FORGET, subject=node, now=now)

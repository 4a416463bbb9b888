"""Changes to the list of the Prosodys that follow the feed; they enter themselves."""

from datetime import datetime

from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import NotFoundError
from authbridge.revocations import feed


def forget_node(session: Session, node: str, *, actor: Actor, now: datetime) -> None:
    """Waits no longer for a Prosody that is gone for good; raises :class:`NotFoundError`.

    One that asks again is there again.
    """
    if not feed.forget_node(session, node):
        raise NotFoundError("There is no node “%(node)s”.", node=node)
    record(session, actor=actor, action=Action.NODE_FORGET, subject=node, now=now)

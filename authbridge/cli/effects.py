"""What became of a suspension, or of an end of sessions, at the meeting servers; said on the command line."""

from collections.abc import Iterator
from datetime import tzinfo

import click

from authbridge.cli.operator import Operator
from authbridge.revocations.status import RevocationStatus
from authbridge.revocations.waiting import Find, wait_until_applied

_PATIENCE = 2.0  # seconds

_NOT_YET = "The meeting servers will be told."


def echo_effect(operator: Operator, find: Find, *, err: bool = False) -> None:
    """Says what became of the latest one of whom ``find`` finds, if there was one; waits a moment for it."""
    effect = wait_until_applied(operator.database, find, clock=operator.clock, patience=_PATIENCE)
    if effect is not None:
        click.echo(effect_in_words(effect, operator.config.timezone), err=err)


def effect_in_words(effect: RevocationStatus, timezone: tzinfo) -> str:
    """Such as "2 logins ended, 1 meeting ended; on 2 of 2 meeting servers, 07:58:12"."""
    if effect.last_done_at is None or not effect.nodes:
        return _NOT_YET
    clock = effect.last_done_at.astimezone(timezone)
    done = f"{_ended(effect)}; on {effect.done} of {effect.nodes} meeting servers, {clock:%H:%M:%S}"
    return " ".join([f"{done}.", *_outstanding(effect)])


def _outstanding(effect: RevocationStatus) -> Iterator[str]:
    if effect.waiting:
        which = "1 remembered login" if effect.waiting == 1 else f"{effect.waiting} remembered logins"
        yield f"{which} will be deleted automatically as soon as Jitsi answers again."
        yield f"Until then {'it opens' if effect.waiting == 1 else 'they open'} no meeting."
    if effect.late:
        yield f"No answer from {', '.join(effect.late)}."


def _ended(effect: RevocationStatus) -> str:
    parts = ", ".join(_parts(effect))
    if parts:
        return parts
    # Where a login waits, somebody was.
    return "Nobody was logged in" if effect.is_counted and not effect.waiting else "Carried out"


def _parts(effect: RevocationStatus) -> Iterator[str]:
    if effect.sessions:
        yield f"{effect.sessions} login{'s' * (effect.sessions != 1)} ended"
    if effect.meetings:
        yield f"{effect.meetings} meeting{'s' * (effect.meetings != 1)} ended"
    if effect.logins == 1:
        yield "remembered login deleted"
    elif effect.logins:
        yield f"{effect.logins} remembered logins deleted"

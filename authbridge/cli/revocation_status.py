"""Says on the command line what became of a suspension or an end of sessions at the meeting servers."""

from collections.abc import Iterator
from datetime import tzinfo

import click

from authbridge.cli.operator import Operator
from authbridge.cli.output import say_done
from authbridge.errors import AuthBridgeError
from authbridge.revocations.status import RevocationStatus
from authbridge.revocations.waiting import Find, wait_until_applied

_PATIENCE = 2.0  # seconds

_NOT_YET = "The meeting servers will be notified."


def echo_status(operator: Operator, find: Find, *, err: bool = False) -> None:
    """Writes the latest revocation's status, if there is one, after a moment in which it may be applied.

    The change is committed: neither an outage nor Ctrl-C while waiting looks like its failure.
    """
    try:
        status = wait_until_applied(operator.database, find, clock=operator.clock, patience=_PATIENCE)
    except (AuthBridgeError, KeyboardInterrupt):
        words = _NOT_YET
    else:
        if status is None:
            return
        words = status_in_words(status, operator.config.timezone)
    if err:
        click.echo(words, err=True)
    else:
        say_done(words)


def status_in_words(status: RevocationStatus, timezone: tzinfo) -> str:
    """Returns words such as "2 logins ended, 1 meeting ended; on 2 of 2 meeting servers, 07:58:12"."""
    if status.last_done_at is None or not status.nodes:
        return _NOT_YET
    clock = status.last_done_at.astimezone(timezone)
    done = f"{_ended(status)}; on {status.done} of {status.nodes} meeting servers, {clock:%H:%M:%S}"
    return " ".join([f"{done}.", *_outstanding(status)])


def _outstanding(status: RevocationStatus) -> Iterator[str]:
    if status.waiting:
        which = "1 remembered login" if status.waiting == 1 else f"{status.waiting} remembered logins"
        yield f"{which} will be deleted automatically as soon as Jitsi answers again."
        yield f"Until then {'it opens' if status.waiting == 1 else 'they open'} no meeting."
    if status.late:
        yield f"No answer from {', '.join(status.late)}."


def _ended(status: RevocationStatus) -> str:
    parts = ", ".join(_parts(status))
    if parts:
        return parts
    # Where a remembered login waits, somebody was logged in.
    return "Nobody was logged in" if status.is_counted and not status.waiting else "Carried out"


def _parts(status: RevocationStatus) -> Iterator[str]:
    if status.sessions:
        yield f"{status.sessions} login{'s' * (status.sessions != 1)} ended"
    if status.meetings:
        yield f"{status.meetings} meeting{'s' * (status.meetings != 1)} ended"
    if status.logins == 1:
        yield "remembered login deleted"
    elif status.logins:
        yield f"{status.logins} remembered logins deleted"

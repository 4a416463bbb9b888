"""Keeps when each recurring job last succeeded, in whichever process."""

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from authbridge.storage.models import JobRun, table_of
from authbridge.storage.prepared import Prepared
from authbridge.storage.statements import upsert

BACKUP = "backup"

# In one statement: two services that start at the same moment both do it for the first time.
_NOTE_DONE = upsert(table_of(JobRun), key=("name",), changed=("done_at",))
_RUNS = Prepared(select(JobRun.name, JobRun.done_at))


def note_done(session: Session, name: str, *, now: datetime) -> None:
    """Notes that a job has succeeded now."""
    session.execute(_NOTE_DONE, {"name": name, "done_at": now, "position": None})


def last_done(session: Session, name: str) -> datetime | None:
    """Returns when a job last succeeded; None: never."""
    return session.scalar(select(JobRun.done_at).where(JobRun.name == name))


def last_runs(connection: Connection) -> dict[str, datetime]:
    """Returns by name when each recurring job last succeeded."""
    return dict(_RUNS.all(connection))

"""Takes credentials over from a table, for the panel and the command line alike: hash, then write down."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from authbridge.audit import Actor
from authbridge.schools.commands.imports import ImportedCredential, find_schools, import_organisers
from authbridge.schools.credential_table import TypedCredential
from authbridge.schools.issuing import IssuingServices

_AT_ONCE = 8  # passwords handed to the pool together: those of other orders come in between


def import_credentials(
    credentials: Sequence[TypedCredential],
    services: IssuingServices,
    *,
    actor: Actor,
    pool: Executor | None = None,
    note_hashed: Callable[[int], None] = lambda _count: None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> int | None:
    """Hashes the passwords, with no transaction open, and writes them down; returns their number.

    ``pool`` hashes several at once; ``note_hashed`` is called now and then with their number. If
    ``is_wanted`` tells that nobody waits for it any more, nothing is written, and None is returned.

    Raises:
        ImportFileError: A school does not exist, or a username does already.
    """
    with services.database.read_session() as session:
        find_schools(session, credentials)  # hundreds of hashes would be for nothing
    hashed: list[ImportedCredential] = []
    for start in range(0, len(credentials), _AT_ONCE):
        if not is_wanted():
            return None
        some = credentials[start : start + _AT_ONCE]
        hashed += (map if pool is None else pool.map)(lambda each: each.hashed(services.hasher), some)
        note_hashed(len(hashed))
    if not is_wanted():
        return None
    with services.database.write_session() as session:
        return import_organisers(session, hashed, actor=actor, now=services.clock())

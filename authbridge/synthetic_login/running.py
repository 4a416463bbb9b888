"""Makes one synthetic login: an account for it alone, the login through Prosody, and the record of it."""

from authbridge.clock import Clock
from authbridge.login.passwords import Hasher, generate_password
from authbridge.login.synthetic_accounts import draw_username
from authbridge.storage.database import Database
from authbridge.synthetic_login import records
from authbridge.synthetic_login.bosh import BoshServer, Credentials, try_login
from authbridge.synthetic_login.outcomes import SyntheticResult


def run(
    database: Database, server: BoshServer, hasher: Hasher, *, machine: str, clock: Clock
) -> SyntheticResult:
    """Logs in, and keeps what came of it; the password is in no file, and ends with this call.

    Raises:
        StorageError: The database does not answer: there is no account to log in with, or no record.
    """
    credentials = Credentials(draw_username(), right=generate_password(), wrong=generate_password())
    stored = hasher.hash(credentials.right, generated=True)
    with database.write_session() as session:
        login_id = records.begin(session, machine, credentials.username, stored.hash, now=clock())
    result = try_login(server, credentials)
    with database.write_session() as session:
        records.finish(session, login_id, result)
    return result

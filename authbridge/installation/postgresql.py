"""Copies a PostgreSQL database into a file, and brings it back, by PostgreSQL's own programs.

They run as the service's user: where PostgreSQL knows that user by the socket, it lets them in as it does the
service, and what stands in a copy is never carried out with root's rights.  The password is in their
environment alone, which other users cannot read.
"""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from authbridge.installation.steps import Installation, InstallationError
from authbridge.installation.system import ProgramFailedError

PROGRAMS = "/usr/lib/postgresql"
"""Debian's folder of PostgreSQL's programs, one folder a major version; those in PATH choose a cluster."""

LOCK_PATIENCE = 30  # seconds until a table is free that others use; the services stand still meanwhile
_CONNECT_PATIENCE = 10  # seconds
_LAST_LINE = b"PostgreSQL database dump complete"  # psql would take what is cut off for the whole
_TAIL = 1000  # bytes

# As SQLAlchemy reads an address: a password may hold any sign but @.
_URL = re.compile(
    r"postgresql(\+\w+)?://((?P<user>[^:/]*)(:(?P<password>[^@]*))?@)?"
    r"(\[(?P<ipv6>[^/?]+)\]|(?P<host>[^/:?]+))?(:(?P<port>[^/?]*))?(/(?P<dbname>[^?]*))?(\?(?P<query>.*))?"
)

# All that is ours goes, also what the upgrade has added: a copy knows nothing of that.  A schema of our own
# is made anew by the copy, but "public" is not.
_EMPTY = """
DO $$ DECLARE commands text; BEGIN
    SELECT string_agg(command, ';') INTO commands FROM (
        SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) AS command FROM pg_namespace
            WHERE nspowner = current_user::regrole AND nspname <> 'public' AND nspname !~ '^pg_'
        UNION ALL
        SELECT format('DROP TABLE IF EXISTS %I.%I CASCADE', schemaname, tablename) FROM pg_tables
            WHERE tableowner = current_user
    ) AS each;
    IF commands IS NOT NULL THEN EXECUTE commands; END IF;
END $$
"""

_COUNT = """
SELECT tablename, (xpath('//n/text()', query_to_xml(
    format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename), false, true, '')))[1]
FROM pg_tables WHERE tableowner = current_user
"""
_ROWS = re.compile(rb"COPY (?:[^ ]+\.)?([^ ]+) .*FROM stdin;")


def require_programs(installation: Installation) -> None:
    """Checks that the database answers, and that it can be copied and brought back.

    Raises:
        InstallationError: It does not, or PostgreSQL's programs of the server's version are missing.
    """
    _program(installation, "pg_dump")


def save(installation: Installation, file: Path) -> None:
    """Copies the database into a new file, and that to the disk.

    Raises:
        InstallationError: PostgreSQL's programs are missing.
        ProgramFailedError: The database cannot be copied; no file is left.
        OSError: Likewise.
    """
    program = _program(installation, "pg_dump")
    try:
        with file.open("xb") as copy:
            installation.system.run_as_service(
                *(program, "--no-password", "--no-owner", "--no-comments"),
                *(f"--lock-wait-timeout={LOCK_PATIENCE * 1000}", f"--dbname={_connection(installation)}"),
                environ=_environ(installation),
                write=copy,
            )
            os.fsync(copy.fileno())
    except (ProgramFailedError, OSError):
        file.unlink(missing_ok=True)
        raise


def restore(installation: Installation, file: Path) -> None:
    """Brings the database back from such a copy, wholly or not at all.

    Raises:
        InstallationError: The copy is not whole.
        ProgramFailedError: The database refuses it.
    """
    with file.open("rb") as copy:
        copy.seek(max(0, file.stat().st_size - _TAIL))
        if _LAST_LINE not in copy.read():
            raise InstallationError("The copy %(file)s is not whole.", file=file)
        copy.seek(0)
        installation.system.run_as_service(
            *_psql(installation, _program(installation, "psql")),
            *("--single-transaction", "--set=ON_ERROR_STOP=1", f"--command={_EMPTY}", "--file=-"),
            environ=_environ(installation),
            read=copy,
        )


def ask(installation: Installation, question: str) -> str:
    """Returns the rows that the database answers, a line each, with a tab between columns.

    Raises:
        InstallationError: There is no psql.
        ProgramFailedError: The database does not answer.
    """
    return installation.system.run_as_service(
        *_psql(installation, _newest_psql(installation)),
        *("--tuples-only", "--no-align", "--field-separator=\t", f"--command={question}"),
        environ=_environ(installation),
    )


def count_rows(installation: Installation) -> dict[str, int]:
    """Returns how many rows each of our tables has; raises like :func:`ask`."""
    lines = (line.split("\t") for line in ask(installation, _COUNT).splitlines())
    return {table: int(count) for table, count in lines}


def count_rows_of(file: Path) -> dict[str, int]:
    """Returns how many rows each table has in such a copy."""
    counts: dict[str, int] = {}
    table = None
    with file.open("rb") as copy:
        for line in copy:
            if table is None:
                if begun := _ROWS.match(line):
                    table = begun[1].decode()
                    counts[table] = 0
            elif line == b"\\.\n":
                table = None
            else:
                counts[table] += 1
    return counts


def without_rows(file: Path, tables: Collection[str]) -> bytes:
    """Returns such a copy without the rows of these tables."""
    kept: list[bytes] = []
    table = None
    with file.open("rb") as copy:
        for line in copy:
            if table is None and (begun := _ROWS.match(line)):
                table = begun[1].decode()
            elif line == b"\\.\n":
                table = None
            elif table in tables:
                continue
            kept.append(line)
    return b"".join(kept)


def parse_address(address: str) -> dict[str, str]:
    """Returns the options of a connection by libpq's names, read from an address as the service reads it.

    Raises:
        InstallationError: It is no address of a PostgreSQL database, or has a secret that has to stay there.
    """
    found = _URL.fullmatch(address)
    if found is None:  # not quoted: the password stands in it
        raise InstallationError("AUTHBRIDGE_DATABASE_URL is no address of a PostgreSQL database.")
    parts = {name: found[name] for name in ("user", "password", "dbname") if found[name]}
    options = {name: unquote(value) for name, value in parts.items()}
    options |= {"host": found["ipv6"] or found["host"] or "", "port": found["port"] or ""}
    query = parse_qsl(found["query"] or "")
    options |= dict(query) | _servers([value for name, value in query if name == "host"])
    if "sslpassword" in options:
        raise InstallationError(
            "AUTHBRIDGE_DATABASE_URL has an sslpassword, which cannot be handed to pg_dump unseen by others: "
            "please take a key without one, or copy the database yourself."
        )
    return {name: value for name, value in options.items() if value}


def _servers(hosts: Sequence[str]) -> dict[str, str]:
    """Returns the options for what an address says by ``host=``, perhaps several times and with ports."""
    each = [host.partition(":") for host in hosts]
    ports = [port for _, _, port in each]
    options = {"host": ",".join(host for host, _, _ in each)} if hosts else {}
    return options | ({"port": ",".join(ports)} if any(ports) else {})


def _psql(installation: Installation, program: str) -> tuple[str, ...]:
    # Terse: the details of a fault quote rows, and logins are in them.
    return (
        *(program, "--no-psqlrc", "--no-password", "--quiet", "--set=VERBOSITY=terse"),
        f"--dbname={_connection(installation)}",
    )


def _program(installation: Installation, name: str) -> str:
    # An older pg_dump refuses a newer server; of a newer one an older server does not understand the copy.
    try:
        major = int(ask(installation, "SHOW server_version_num")) // 10_000
    except ProgramFailedError as error:
        raise InstallationError("The database does not answer:\n%(reason)s", reason=error) from error
    program = installation.machine.path(f"{PROGRAMS}/{major}/bin/{name}")
    if not program.exists():
        raise InstallationError(
            "The database is a PostgreSQL %(major)s, and to copy it takes the programs of that version: "
            "apt-get install postgresql-client-%(major)s",
            major=major,
        )
    return str(program)


def _newest_psql(installation: Installation) -> str:
    found = installation.machine.path(PROGRAMS).glob("*/bin/psql")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None:
        raise InstallationError(
            "The database is in PostgreSQL, and the programs that copy it are missing here: "
            "apt-get install postgresql-client"
        )
    return str(newest)


def _options(installation: Installation) -> dict[str, str]:
    return parse_address(installation.system.settings()["AUTHBRIDGE_DATABASE_URL"].strip())


def _connection(installation: Installation) -> str:
    options = {"connect_timeout": str(_CONNECT_PATIENCE), **_options(installation)}
    options.pop("password", None)
    options["options"] = f"-c client_min_messages=warning -c lock_timeout={LOCK_PATIENCE}s"
    quoted = {name: re.sub(r"(['\\])", r"\\\1", value) for name, value in options.items()}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def _environ(installation: Installation) -> dict[str, str]:
    # None of ours: root's own PGHOST or PGSERVICE would lead to another database than the service's.
    password = _options(installation).get("password")
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"} | (
        {} if password is None else {"PGPASSWORD": password}
    )

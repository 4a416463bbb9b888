"""Writes the service's own log lines: to systemd's journal with fields, or to standard error as text.

The id of a request stands at the end of its lines, and in the field ``AUTHBRIDGE_REQUEST_ID`` of the journal:
it is the one in Prosody's line about the same login.  Lines have no names, addresses or secrets: callers log
ids and places, and of an exception only its type and place are written.

Sources: systemd.exec(5), ``$JOURNAL_STREAM``; systemd's "Native Journal Protocol".
"""

import logging
import os
import socket
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType

from authbridge.errors import location_of

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; None outside of one."""

_JOURNAL = "/run/systemd/journal/socket"
_LONGEST = 16 * 1024  # bytes of a field; a datagram has room for some hundred kilobytes
_PRIORITIES = {  # of syslog(3)
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}


def start(environ: Mapping[str, str]) -> None:
    """Lets the loggers of this process write to where systemd has connected its standard error."""
    handler = JournalHandler() if leads_to_journal(sys.stderr.fileno(), environ) else text_handler()
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def leads_to_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Tells whether this descriptor is the connection to the journal that systemd has made."""
    status = os.fstat(descriptor)
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def text_handler() -> logging.Handler:
    """Returns the handler that writes lines of text to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter("%(levelname)s %(message)s"))
    return handler


class JournalHandler(logging.Handler):
    """Sends entries to systemd's journal; while nobody takes them they go to standard error."""

    def __init__(self, path: str = _JOURNAL) -> None:
        super().__init__()
        self.setFormatter(_LineFormatter("%(message)s"))
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._otherwise = text_handler()

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one entry."""
        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": str(_PRIORITIES.get(record.levelno, _PRIORITIES[logging.WARNING])),
            "SYSLOG_IDENTIFIER": "authbridge",
            "LOGGER": record.name,
        }
        if (shown := _request_of(record)) is not None:
            fields["AUTHBRIDGE_REQUEST_ID"] = shown
        try:
            self._socket.sendto(b"".join(map(_field, fields.items())), self._path)
        except OSError:
            self._otherwise.emit(record)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()
        super().close()


class _LineFormatter(logging.Formatter):
    """Adds the id of the request; of an exception it leaves out the text, which may quote what was typed."""

    def format(self, record: logging.LogRecord) -> str:
        shown = _request_of(record)
        return super().format(record) + ("" if shown is None else f" request_id={shown}")

    def formatException(  # noqa: N802 - the library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        error = ei[1]
        return f"{type(error).__name__} at {location_of(error)}" if isinstance(error, Exception) else ""


def _request_of(record: logging.LogRecord) -> str | None:
    shown: str | None = getattr(record, "request_id", None) or request_id.get()
    return shown


def _field(field: tuple[str, str]) -> bytes:
    name, text = field
    value = text.encode("utf-8", "replace")[:_LONGEST]
    # The form with a length: a line end in a value cannot begin another field.
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"

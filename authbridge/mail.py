"""Sends mail to the operator over SMTP: encrypted with STARTTLS to a verified server, or not at all.

Sources: RFC 3207 (STARTTLS), RFC 8314 section 3 (no password in clear).
"""

import os
import smtplib
import ssl
import stat
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from authbridge.errors import AuthBridgeError
from authbridge.tls import verifying_context

_TIMEOUT = 20.0  # seconds for each step of the conversation
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class MailError(AuthBridgeError):
    """Raised when a mail could not be sent."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's SMTP server; without a ``user`` nobody logs in there.

    ``password_file`` is read when a mail is sent: what sends none needs no right to read it.  ``ca_file``
    holds certificate authorities besides the system's.
    """

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def is_plain(self) -> bool:
        """Tells whether nothing is encrypted: to this very machine, and without a password."""
        return self.host in _LOOPBACK and self.user is None


def send(server: MailServer, message: EmailMessage) -> int:
    """Sends the message; returns for how many of the recipients the server did not accept it.

    Raises:
        MailError: It was accepted for none of them, or others may read the file with the password.
    """
    message["From"], message["To"] = server.sender, ", ".join(server.recipients)
    try:
        with smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT) as smtp:
            if not server.is_plain:
                smtp.starttls(context=verifying_context(server.ca_file))
            if server.user is not None and server.password_file is not None:
                smtp.login(server.user, _read_password(server.password_file))
            refused = smtp.send_message(message)
    except (OSError, smtplib.SMTPException, UnicodeDecodeError) as error:
        raise MailError("The mail could not be sent: %(reason)s.", reason=_reason(error)) from None
    return len(refused)


def _read_password(path: Path) -> str:
    with path.open(encoding="ascii") as file:
        # Readable, and by its owner alone: then the owner is this process.
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise MailError("The mail could not be sent: %(file)s is open to others (chmod 400).", file=path)
        return file.read().strip()


def _reason(error: OSError | smtplib.SMTPException | UnicodeDecodeError) -> str:
    """Says why, without what the server answered: it may quote a recipient, or the password."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or type(error).__name__

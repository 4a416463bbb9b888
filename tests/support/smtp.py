"""Runs a real SMTP server, and keeps what it was sent."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from workbench.processes import free_port

PASSWORD = "Tulpe Regen Kanu"  # that the server accepts


@dataclass
class Mailbox:
    """What a server was sent: envelopes, and the credentials that were tried with whether in clear."""

    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes, bool]] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()

    @property
    def mails(self) -> list[EmailMessage]:
        """Returns the mails, parsed."""
        return [message_from_bytes(_content_of(each), policy=default) for each in self.envelopes]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: object, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes a recipient, or does not."""
        if address in self.refuses:
            return f"550 no such mailbox <{address}>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the mail."""
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(
        self, _server: object, session: Session, _envelope: Envelope, _mechanism: str, credentials: object
    ) -> AuthResult:
        """Lets the right password in."""
        assert isinstance(credentials, LoginPassword)
        self.logins.append((credentials.login, credentials.password, session.ssl is None))
        return AuthResult(success=credentials.password == PASSWORD.encode(), handled=False)


def _content_of(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


@contextmanager
def smtp_server(mailbox: Mailbox, certificate: Path | None) -> Iterator[int]:
    """Runs an SMTP server with STARTTLS, or without; yields its port."""
    options: dict[str, Any] = {
        "authenticator": mailbox.authenticate,
        "auth_require_tls": certificate is not None,
    }
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()

"""Alert mails reach a real SMTP server with STARTTLS, and nothing goes there in clear."""

import subprocess
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from authbridge.mail import MailError, MailServer, send
from tests.support.smtp import PASSWORD, Mailbox, smtp_server
from workbench.processes import free_port

USER = "authbridge@kmz.test"


@pytest.fixture(name="certificate", scope="module")
def make_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a certificate for localhost; its key is in the same file."""
    folder = tmp_path_factory.mktemp("smtp")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "smtp.key"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(  # noqa: S603 - our own command line
        ["openssl", "req", "-x509", *key, *names, "-out", "smtp.crt"],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "smtp.crt"


@pytest.fixture(name="password_file")
def write_password(tmp_path: Path) -> Path:
    """The file with the password of the operator's mailbox."""
    file = tmp_path / "smtp-password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o400)
    return file


def server_at(port: int, certificate: Path, password_file: Path) -> MailServer:
    """That server, as it is set."""
    return MailServer(
        "localhost", port, USER, ("it@kmz.test", "leitung@kmz.test"), USER, password_file, certificate
    )


def message() -> EmailMessage:
    """A mail with umlauts."""
    mail = EmailMessage()
    mail["Subject"] = "meet.test: Anmeldung gestört"
    mail.set_content("Auf meet.test schlägt die Probeanmeldung fehl.\n")
    return mail


def test_a_mail_arrives_encrypted(certificate: Path, password_file: Path) -> None:
    """At every recipient, with umlauts, after a login that nobody could read."""
    mailbox = Mailbox()
    with smtp_server(mailbox, certificate) as port:
        assert send(server_at(port, certificate, password_file), message()) == 0

    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (USER, ["it@kmz.test", "leitung@kmz.test"])
    assert isinstance(envelope.content, bytes)
    assert b"Subject: meet.test: Anmeldung =?" in envelope.content
    assert mailbox.logins == [(USER.encode(), PASSWORD.encode(), False)]


@pytest.mark.parametrize("authority", ["nobody's", "another host's"])
def test_no_password_goes_to_a_server_that_is_not_verified(
    certificate: Path, password_file: Path, authority: str
) -> None:
    """Of an unknown authority, or with the certificate of another host."""
    mailbox = Mailbox()
    with smtp_server(mailbox, certificate) as port:
        server = server_at(port, certificate, password_file)
        server = (
            replace(server, ca_file=None) if authority == "nobody's" else replace(server, host="127.0.0.1")
        )
        with pytest.raises(MailError, match=r"certificate|mismatch"):
            send(server, message())

    assert (mailbox.logins, mailbox.envelopes) == ([], [])


def test_no_password_goes_to_a_server_without_encryption(certificate: Path, password_file: Path) -> None:
    """Somebody between us and the server may have taken the offer of STARTTLS out of its answer."""
    mailbox = Mailbox()
    with smtp_server(mailbox, None) as port:
        with pytest.raises(MailError, match="SMTPNotSupportedError"):
            send(server_at(port, certificate, password_file), message())
        # The machine's own mail server, to which no password is sent.
        send(replace(server_at(port, certificate, password_file), user=None), message())

    assert mailbox.logins == []
    assert len(mailbox.envelopes) == 1


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o620])
def test_a_password_that_others_can_read_or_change_is_not_used(
    certificate: Path, password_file: Path, mode: int
) -> None:
    """The sentence names the file and the command that closes it."""
    password_file.chmod(mode)
    mailbox = Mailbox()
    with (
        smtp_server(mailbox, certificate) as port,
        pytest.raises(MailError, match=rf"{password_file} is open to others \(chmod 400\)"),
    ):
        send(server_at(port, certificate, password_file), message())

    assert (mailbox.logins, mailbox.envelopes) == ([], [])


def test_a_refusal_is_told_without_what_the_server_quotes(
    certificate: Path, password_file: Path, tmp_path: Path
) -> None:
    """Neither a mailbox nor a password gets into the log."""
    mailbox = Mailbox(refuses=frozenset({"it@kmz.test"}))
    wrong = tmp_path / "wrong"
    wrong.write_text("falsch")
    wrong.chmod(0o600)
    with smtp_server(mailbox, certificate) as port:
        server = server_at(port, certificate, password_file)
        told = []
        assert send(server, message()) == 1
        for each in (
            replace(server, recipients=("it@kmz.test",)),
            replace(server, password_file=wrong),
            replace(server, password_file=tmp_path / "none"),
            replace(server, port=free_port()),
        ):
            with pytest.raises(MailError) as caught:
                send(each, message())
            told.append(str(caught.value))

    assert told == [
        "The mail could not be sent: SMTPRecipientsRefused.",
        "The mail could not be sent: SMTPAuthenticationError 535.",
        "The mail could not be sent: No such file or directory.",
        "The mail could not be sent: Connection refused.",
    ]
    assert len(mailbox.envelopes) == 1, "the other recipient has it"

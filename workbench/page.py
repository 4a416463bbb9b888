"""Our login page as an operator runs it: ``authbridge page serve`` beside a service, without its database."""

import http.client
import re
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlencode

from workbench.processes import PATIENCE, Process, free_port, is_answering
from workbench.prosody import HOST
from workbench.service import Service

FORM = "/_authbridge/auth?state=" + quote('{"room":"demo"}')
"""The path of the form, as Jitsi's page asks for it in a room."""

_NOT_FOR_IT = ("DATABASE_URL", "SECRET_KEY_FILE")


def opens_session(http_port: int, token: str) -> bool:
    """Tells whether that Prosody lets in who shows the token over BOSH; with the standard library alone."""
    stream = f"to='{HOST}' ver='1.6' wait='5' hold='1' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'"
    begun = _ask_bosh(http_port, token, f"rid='1' {stream}/>")
    sid = re.search(r"sid=['\"]([^'\"]+)", begun)
    login = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
    return sid is not None and "<success" in _ask_bosh(
        http_port, token, f"rid='2' sid='{sid[1]}'>{login}</body>"
    )


def _ask_bosh(http_port: int, token: str, rest: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=PATIENCE)
    try:
        body = f"<body xmlns='http://jabber.org/protocol/httpbind' {rest}"
        connection.request("POST", f"/http-bind?token={token}", body, {"Content-Type": "text/xml"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@dataclass
class LoginPage:
    """One login page of that service; ``meet_url`` is Jitsi's public address, or that of the page itself.

    ``letter_dir`` is the folder of the operator's texts.
    """

    service: Service
    port: int = field(default_factory=free_port)
    meet_url: str = ""
    letter_dir: Path | None = None

    def __post_init__(self) -> None:
        self.meet_url = self.meet_url or self.url
        self.environ = {
            **self.service.environ,
            **{f"AUTHBRIDGE_{name}": "" for name in _NOT_FOR_IT},
            "AUTHBRIDGE_PAGE_BIND": f"127.0.0.1:{self.port}",
            "AUTHBRIDGE_MEET_URL": self.meet_url,
            "AUTHBRIDGE_LETTER_DIR": str(self.letter_dir or ""),
        }
        self.log = self.service.folder / "page.log"
        command = [sys.executable, "-m", "authbridge", "page", "serve"]
        self._process = Process(command, log=self.log, environ=self.environ)

    @property
    def url(self) -> str:
        """Returns the address at which it listens; nginx stands before it at an operator's."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._process.start()
        self._process.await_ready(self.is_answering)

    def is_answering(self) -> bool:
        """Tells whether it answers."""
        return is_answering(self.port, "/_authbridge/healthz")

    def log_in(self, username: str, password: str) -> str | None:
        """Sends the form as a browser does; returns the token of the address to which it leads, or None."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            form = urlencode({"username": username, "password": password})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
            connection.request("POST", FORM, form, headers)
            answer = connection.getresponse()
            token = re.search(r"#jwt=%22([^%]+)%22", answer.getheader("Location", ""))
            return token[1] if answer.status == HTTPStatus.SEE_OTHER and token else None
        finally:
            connection.close()

    def stop(self) -> None:
        """Ends it gracefully."""
        self._process.stop()

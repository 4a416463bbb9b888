"""Asks this machine over HTTPS, as a browser would, whether the login page works now."""

import http.client
import socket
import ssl

from authbridge.machine.login_page import PATH

_PATIENCE = 20.0  # seconds: the page's first answer waits for the start of its service
_MOST_BYTES = 65_536
_PROBE = "YXV0aGJyaWRnZQ.cHJvYmU.cHJvYmU"  # shaped like a token, and none
_STREAM = (
    "<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' xml:lang='en' rid='4711'"
    " to='{host}' ver='1.6' wait='5' hold='1' xmpp:version='1.0' content='text/xml; charset=utf-8'/>"
)


def page_answers(host: str, *, port: int = 443) -> bool:
    """Tells whether the login page answers through nginx."""
    status, _ = _ask(host, port, "GET", f"{PATH}healthz")
    return status == http.client.OK


def takes_tokens(host: str, *, port: int = 443) -> bool:
    """Tells whether the running Prosody offers a login to a browser that comes with a token.

    The browser's stream is given up without a login; Prosody forgets it within a minute.
    """
    status, text = _ask(host, port, "POST", f"/http-bind?token={_PROBE}", _STREAM.format(host=host))
    return status == http.client.OK and "<mechanism>ANONYMOUS</mechanism>" in text


def _ask(host: str, port: int, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Returns status and text; status 0: nobody answers."""
    connection = _ToThisMachine(host, port)
    try:
        connection.request(method, path, body, {"Content-Type": "text/xml; charset=utf-8"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


class _ToThisMachine(http.client.HTTPSConnection):
    """A connection to this machine under its public name, which it often does not reach behind a router.

    Whose certificate it shows does not matter: it is told nothing.
    """

    def __init__(self, host: str, port: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(host, port, timeout=_PATIENCE, context=context)
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), _PATIENCE)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)

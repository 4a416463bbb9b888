"""A new installation tries logins the whole way, or at Prosody's port where that way is barred."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from authbridge.installation.bosh_address import candidates, first_that_answers
from workbench.processes import free_port


class _Refusing(BaseHTTPRequestHandler):
    """Answers as a Prosody that knows no such host."""

    def do_GET(self) -> None:
        """Says that there is nothing."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own signature
        """Says nothing."""


@pytest.fixture(name="answering")
def serve() -> Iterator[str]:
    """Yields the address of a web server that has nothing there."""
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/http-bind"
        server.shutdown()
        thread.join()


def test_the_first_that_answers_is_taken(answering: str) -> None:
    """Whatever it says; a name that leads nowhere, and TLS where none is spoken, do not count."""
    nobody = f"http://127.0.0.1:{free_port()}/http-bind"

    assert first_that_answers([nobody, answering]) == answering
    assert first_that_answers([answering.replace("http:", "https:"), answering]) == answering
    assert first_that_answers([nobody]) is None


def test_the_way_of_browsers_comes_first() -> None:
    """It proves most: name, nginx, certificate and Prosody."""
    assert candidates("meet.example.org")[0] == "https://meet.example.org/http-bind"

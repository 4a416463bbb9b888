"""The login page in headless Chromium, for the stories that need a browser."""

import functools
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.support.chromium import open_chromium
from workbench import ROOT


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_message: Any) -> None:  # noqa: ANN401 - the base's own signature
        """Says nothing."""


@pytest.fixture(name="page_url", scope="module")
def serve_page() -> Iterator[str]:
    """The address of the login page; for the browser, Prosody is another origin, as it may be at Jitsi."""
    handler = functools.partial(_QuietHandler, directory=ROOT / "tests/browser")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/login.html"
        server.shutdown()
        thread.join()


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with an empty profile."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser

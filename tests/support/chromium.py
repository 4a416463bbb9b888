"""Debian's Chromium without a window: an empty profile and home, and nobody to talk to but this machine.

Its headless shell has the engine of the browser without the browser's own windows, which no test looks at: it
starts in a quarter of the time, and a page costs a quarter less.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

PATIENCE = 90  # seconds for a page or a script, which take milliseconds; Selenium's own ends after 120

_FLAGS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--in-process-gpu",
    "--disable-features=SpareRendererForSitePerProcess",  # no second process in reserve
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # There is nobody but this machine, by as many names as a page likes.
    "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


# The driver waits for a page that nobody has asked for: the browser opens one by itself, the shell does not.
_SHELL = """#!/bin/sh
exec chromium-headless-shell "$@" about:blank
"""


@contextlib.contextmanager
def open_chromium(home: Path, *, is_watched: bool = False, is_whole: bool = False) -> Iterator[Chrome]:
    """Yields a browser with that folder as its home; if watched, it logs its complaints and requests.

    The whole one shows a PDF and keeps pages for "back", as the headless shell does not.
    """
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium" if is_whole else _make_shell(home)
    for flag in (*_FLAGS, "--headless=new", f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    if is_watched:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = ChromeService("/usr/bin/chromedriver", env={**os.environ, "HOME": str(home)})
    with Chrome(options, driver) as browser:
        browser.set_script_timeout(PATIENCE)
        browser.set_page_load_timeout(PATIENCE)
        yield browser


def _make_shell(home: Path) -> str:
    shell = home / "chromium"
    shell.write_text(_SHELL)
    shell.chmod(0o700)
    return str(shell)

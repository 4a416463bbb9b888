"""Debian's Chromium without a window: an empty profile and home, and nobody to talk to but this machine."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

PATIENCE = 90  # seconds for a page or a script, which take milliseconds; Selenium's own ends after 120

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--in-process-gpu",
    "--disable-extensions",
    "--disable-features=SpareRendererForSitePerProcess",  # no second process in reserve
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # there is nobody else
)


@contextlib.contextmanager
def open_chromium(home: Path, *, is_watched: bool = False) -> Iterator[Chrome]:
    """Yields a browser with that folder as its home; if watched, it logs its complaints and requests."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    if is_watched:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = ChromeService("/usr/bin/chromedriver", env={**os.environ, "HOME": str(home)})
    with Chrome(options, driver) as browser:
        browser.set_script_timeout(PATIENCE)
        browser.set_page_load_timeout(PATIENCE)
        yield browser

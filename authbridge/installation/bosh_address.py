"""Finds where this machine reaches BOSH, for the logins that the program tries itself."""

from collections.abc import Iterable
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

_PATIENCE = 5.0  # seconds
_OF_PROSODY = "http://127.0.0.1:5280/http-bind"


def candidates(host: str) -> tuple[str, ...]:
    """Returns the addresses to try: the whole way of browsers, and Prosody's own port.

    Behind a router a machine often does not reach its own public name.
    """
    return f"https://{host}/http-bind", _OF_PROSODY


def first_that_answers(urls: Iterable[str]) -> str | None:
    """Returns the first address at which a web server answers, with a valid certificate; None: none does."""
    opener = build_opener(ProxyHandler({}))
    for url in urls:
        try:
            opener.open(url, timeout=_PATIENCE).close()
        except HTTPError as error:  # whatever it says, somebody is there
            error.close()
        except (OSError, ValueError):
            continue
        return url
    return None

"""Where a person is sent next: places of this panel only."""

from urllib.parse import urlsplit

from flask import redirect, request, url_for
from werkzeug.wrappers import Response


def local_path(wanted: str | None) -> str | None:
    """``wanted`` if it is a path of this panel, else None: nobody is sent elsewhere.

    A browser reads two slashes, a backslash and control characters as another host.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return None
    if not wanted.isprintable() or "\\" in wanted:
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else None


def current_path() -> str:
    """This page, with what it was asked for."""
    return request.full_path.rstrip("?")


def see(endpoint: str, **values: object) -> Response:
    """The answer to a POST that was carried out: the page to look at now (RFC 9110, 303)."""
    return redirect(place_of(endpoint, **values), 303)


def place_of(endpoint: str, **values: object) -> str:
    """The path of that page."""
    return url_for(endpoint, **values)  # type: ignore[arg-type]  # Flask takes any value


def place_asked_from() -> str | None:
    """The page on which a button was pressed, if it says so."""
    return local_path(request.form.get("back"))


def see_again(endpoint: str, **values: object) -> Response:
    """The page on which a button was pressed, else the one named."""
    return see_path(place_asked_from() or place_of(endpoint, **values))


def see_path(path: str) -> Response:
    """Likewise, for a path that :func:`local_path` has let through."""
    return redirect(path, 303)

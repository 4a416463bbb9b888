"""Where the browser goes next: addresses of this panel only."""

from urllib.parse import urlsplit

from flask import redirect, request, url_for
from flask.globals import request_ctx
from werkzeug.wrappers import Response


def local_path(wanted: str | None) -> str | None:
    """Returns ``wanted`` if it is a path of this panel, else None: no link of ours leads to another site.

    A browser reads two slashes, a backslash and control characters as another host.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return None
    if not wanted.isprintable() or "\\" in wanted:
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else None


def current_path() -> str:
    """Returns the path of this page with its query."""
    return request.full_path.rstrip("?")


def path_to(endpoint: str, **values: object) -> str:
    """Returns the path of that page."""
    return url_for(endpoint, **values)  # type: ignore[arg-type]  # Flask takes any value


def path_of_button() -> str | None:
    """Returns the page on which the button was pressed, if the form names it."""
    return local_path(request.form.get("back"))


def has_page() -> bool:
    """Tells whether the address of this request is that of a page; a mere button has none of its own."""
    return request.url_rule is not None and "GET" in (request.url_rule.methods or ())


def page_of_form() -> str:
    """Returns the path of the page on which the form of this request stands.

    That is this page, or for a button the page that it names, else the closest page above its address.
    """
    return current_path() if has_page() else path_of_button() or _page_above(request.path)


def _page_above(path: str) -> str:
    router = request_ctx.url_adapter
    while path != "/" and router is not None:
        path = path.rpartition("/")[0] or "/"
        if router.test(path, "GET"):
            return path
    return "/"


def redirect_to(endpoint: str, **values: object) -> Response:
    """Answers a POST that succeeded with the page to look at now (RFC 9110, 303)."""
    return redirect_to_path(path_to(endpoint, **values))


def redirect_back(endpoint: str, **values: object) -> Response:
    """Answers with the page on which the button was pressed, or with the one named."""
    return redirect_to_path(path_of_button() or path_to(endpoint, **values))


def redirect_to_path(path: str) -> Response:
    """Answers with a path of this panel; one that the browser sent must have passed :func:`local_path`."""
    return redirect(path, 303)

"""The headers of every answer: load nothing from elsewhere, store nothing, be in no frame."""

import math
import secrets
from datetime import timedelta
from http import HTTPStatus

from flask import Flask, Response, g, request

from admin.web.unattended import is_unattended

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_MARK = "__Host-authbridge-secrets"

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # Two years; the browser heeds it over https only.
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "X-Robots-Tag": "noindex",
}

_OF_PUBLIC_DOCUMENTS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300",  # seconds; a changed telephone number is there soon
}


def install(app: Flask) -> None:
    """Adds the headers to every answer, errors included."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        if is_public_document():
            response.headers.update(_OF_PUBLIC_DOCUMENTS)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        is_static = request.endpoint == "static" and response.status_code == HTTPStatus.OK
        if is_static or is_public_document():
            return response
        response.headers["Cache-Control"] = "no-store"
        if g.get("shows_secrets"):
            response.set_cookie(
                _MARK, secrets.token_urlsafe(8), secure=True, httponly=True, samesite="Strict"
            )
        elif _MARK in request.cookies and not is_unattended():
            response.delete_cookie(_MARK, secure=True, httponly=True, samesite="Strict")
        return response


def publish() -> None:
    """Marks the answer as a public document: without a cookie, read by other sites, stored by anybody."""
    g.is_public_document = True


def is_public_document() -> bool:
    """Tells whether the answer under way was marked as one."""
    return bool(g.get("is_public_document"))


def replace_at(answer: Response, path: str, duration: timedelta) -> None:
    """Lets the browser replace this page by that one after so long, also without scripts."""
    answer.headers["Refresh"] = f"{math.ceil(duration.total_seconds())}; url={path}"


def hide_from_back_button() -> None:
    """Marks the answer as one with secrets, which the browser must not show again on "back".

    Chrome keeps pages for "back" even if it may not store them, but drops those during which a cookie has
    changed that scripts cannot see. So this page sets one, and the next takes it away.
    """
    g.shows_secrets = True

"""The headers of every answer: no script, nothing from elsewhere, no frame, no referrer, nothing kept.

Strict-Transport-Security is not among them: it is a promise about Jitsi's whole host, which its nginx makes.
"""

from http import HTTPStatus

from flask import Flask, Response, request

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "X-Robots-Tag": "noindex",
}
_KEPT = frozenset({"static", "login_page.logo"})
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {meet_url}; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def install(app: Flask, meet_url: str) -> None:
    """Adds the headers to every answer, errors included."""
    # A browser holds the redirect that answers the form to this policy too; it leads to the meeting.
    policy = _POLICY.format(meet_url=meet_url)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers.update(_HEADERS)
        if request.endpoint not in _KEPT or response.status_code != HTTPStatus.OK:
            response.headers["Cache-Control"] = "no-store"
        return response

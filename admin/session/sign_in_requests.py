"""Where a sign-in request comes from: its address, its browser, and the device that it shows."""

from flask import request

from admin.session.cookies import DEVICE_COOKIE
from authbridge.login.networks import parse_address
from authbridge.staff import sign_in as sign_in_flow


def caller() -> sign_in_flow.Caller:
    """Returns the sender of this request, for the login policy."""
    return sign_in_flow.Caller(
        # A local user can reach the panel past nginx, and then this is whatever that user likes.
        ip=parse_address(request.remote_addr),
        user_agent=request.headers.get("User-Agent"),
        device=request.cookies.get(DEVICE_COOKIE),
    )

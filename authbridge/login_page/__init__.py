"""Answers the organiser who has pressed "I am the host" in Jitsi's page: a form, and the way back.

It is an application of its own below ``/_authbridge/`` on Jitsi's host.  It has no database, no secret key,
no cookie and no script; it hashes nothing and decides nothing, but asks the auth service, as Prosody does.
"""

from authbridge.login_page.application import create_login_page
from authbridge.login_page.asking import AuthService

__all__ = ["AuthService", "create_login_page"]

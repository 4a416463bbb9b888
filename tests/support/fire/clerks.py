"""A clerk at the panel, who signs in again wherever the panel wants that, as people do."""

import http
import math
import time
from dataclasses import dataclass

from bench.visitor import Visitor
from workbench.staff import Member

_NEXT_CODE = 31.0  # seconds: an authenticator shows another code then, and each is taken once


@dataclass
class Clerk:
    """Somebody of the staff with a browser."""

    member: Member
    browser: Visitor
    _tried_at: float = -math.inf

    def sign_in_if_wanted(self) -> None:
        """Signs in where the panel has ended the session: the service's clock was days off, and purged it."""
        status, location, _ = self.browser.ask("GET", "/account")
        is_wanted = status == http.HTTPStatus.SEE_OTHER and "/sign-in" in location
        if is_wanted and time.monotonic() - self._tried_at > _NEXT_CODE:
            self._tried_at = time.monotonic()
            self.browser = Visitor(self.browser.port)
            self.browser.sign_in(self.member)

"""Codes of invitations that were just made, for the session that made them."""

from datetime import timedelta

from authbridge.expiring_store import ExpiringStore

LIFETIME = timedelta(minutes=2)  # enough for a double click and a reload; a lost code is made anew


class InvitationCodes(ExpiringStore[tuple[str, str], str]):
    """All codes of this process, by the hash of the session's id and the name of the person invited."""

    def __init__(self) -> None:
        super().__init__(LIFETIME)

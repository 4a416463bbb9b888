"""Report codes that were just made, for the session that made them."""

from datetime import timedelta

from authbridge.expiring_store import ExpiringStore

LIFETIME = timedelta(minutes=2)  # for a double click, a reload and the printer; a lost code is made anew


class ShownReportCodes(ExpiringStore[tuple[str, str], str]):
    """All codes of this process, by the hash of the session's id and the code of the school."""

    def __init__(self) -> None:
        super().__init__(LIFETIME)

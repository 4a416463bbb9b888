"""What the report page has answered, for the browser that asked: it may load the answer again."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from authbridge.expiring_store import ExpiringStore

LIFETIME = timedelta(minutes=10)
_MOST = 1000  # receipts of some hundred bytes


@dataclass(frozen=True, slots=True)
class BlockReceipt:
    """What is blocked since when; ``username`` None: the whole school.

    ``is_new``: the code has blocked it; else it was blocked already, and the code is still good.
    ``is_carried_out``: all meeting servers had reported it when the answer was made.
    """

    school_name: str
    username: str | None
    since: datetime
    is_new: bool
    is_carried_out: bool


class BlockReceipts(ExpiringStore[str, BlockReceipt]):
    """All receipts of this process, by an id that cannot be guessed."""

    def __init__(self) -> None:
        super().__init__(LIFETIME, _MOST)

    def keep(self, receipt: BlockReceipt, *, now: datetime) -> str:
        """Keeps the receipt; returns its id."""
        receipt_id = secrets.token_urlsafe(16)
        self.put(receipt_id, receipt, now=now)
        return receipt_id

"""What the report page has answered, for the browser that asked: it may load the answer again."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from authbridge.expiring_store import ExpiringStore

LIFETIME = timedelta(minutes=10)
MOST_OF_ONE = 5  # receipts of one code, for one that blocks nothing new stays good
_MOST = 1000  # receipts of some hundred bytes


@dataclass(frozen=True, slots=True)
class BlockReceipt:
    """What is blocked since when; ``username`` None: the whole school; ``code_hash``: by which code.

    ``is_new``: the code has blocked it; else it was blocked already, and the code is still good.
    ``is_carried_out``: all meeting servers had reported it when the answer was made.
    """

    school_name: str
    username: str | None
    since: datetime
    is_new: bool
    is_carried_out: bool
    code_hash: str = field(repr=False)


class BlockReceipts(ExpiringStore[str, BlockReceipt]):
    """All receipts of this process, by an id that cannot be guessed."""

    def __init__(self) -> None:
        super().__init__(LIFETIME, _MOST, forgets_oldest=True)

    def keep(self, receipt: BlockReceipt, *, now: datetime) -> str:
        """Keeps the receipt, perhaps in place of the oldest one of its code; returns its id."""
        receipts = self.items(now=now)
        others = [other_id for other_id, other in receipts if other.code_hash == receipt.code_hash]
        for other_id in others[: len(others) + 1 - MOST_OF_ONE]:
            self.take(other_id, now=now)
        receipt_id = secrets.token_urlsafe(16)
        self.put(receipt_id, receipt, now=now)
        return receipt_id

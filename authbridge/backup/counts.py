"""Says how much is in a backup, in words."""

from collections.abc import Mapping

_WORDS = {
    "schools": "schools",
    "organisers": "accounts",
    "staff": "members of staff",
    "audit_events": "events of the audit",
}


def counts_in_words(rows: Mapping[str, int]) -> str:
    """Returns the numbers of what people count, from the numbers of rows by table."""
    return ", ".join(f"{rows[table]} {word}" for table, word in _WORDS.items())

"""What a session's browser has to sign with a passkey: a challenge counts once, for five minutes."""

from datetime import timedelta

from authbridge.expiring_store import ExpiringStore

_LIFETIME = timedelta(minutes=5)


class Challenges(ExpiringStore[str, bytes]):
    """The latest challenge of each session, by the hash of the session's id."""

    def __init__(self) -> None:
        super().__init__(_LIFETIME)

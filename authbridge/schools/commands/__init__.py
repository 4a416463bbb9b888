"""Changes schools and organisers: one function a change, which takes ``actor`` and ``now``.

A command writes one audit event, and none if it finds nothing to change.  The caller opens the transaction,
and hashes before it, for hashing takes long.
"""

"""What staff can do: one function a change, which takes ``actor`` and ``now`` and writes one audit event.

A command that finds nothing to change writes nothing.  The caller opens the transaction; what takes
long (hashing) is done before it.
"""

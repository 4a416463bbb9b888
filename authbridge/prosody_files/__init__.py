"""Answers which accounts stand in a Prosody's own files (its internal storage, versions 0.9 to 13).

A folder in, accounts out, or faults with the file of each.  No Lua is run, and no fault quotes a file.
"""

from authbridge.prosody_files.accounts import ProsodyAccount
from authbridge.prosody_files.folders import AccountFiles, read_accounts

__all__ = ["AccountFiles", "ProsodyAccount", "read_accounts"]

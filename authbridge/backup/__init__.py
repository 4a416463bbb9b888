"""Answers how the data survive this machine: by backups, and by the move to another database.

A backup is a SQLite database of this program's tables, whichever database runs; it holds no logins, no
addresses and no sessions.  Never lets anybody in whose access ended after the backup was taken.
"""

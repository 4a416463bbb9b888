"""Answers which schools and organisers there are, and changes them: issuing, importing, suspending, deleting.

Each change is one command, which writes one audit event and notifies the Prosody servers where that is due.
It never decides about a login and never sees a password longer than it takes to hash it.
"""

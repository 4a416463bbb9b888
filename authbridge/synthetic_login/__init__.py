"""Does a login work right now?  Logs in through Prosody itself, as a browser does, and keeps what came of it.

It never opens a meeting, and its account is no organiser's: one is made for each run, with a password that
is in no file, and lets in once (:mod:`authbridge.login.synthetic_accounts`).
"""

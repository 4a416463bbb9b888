"""Answers whether the machine around us is set up as it must be; mends it, and can take that back.

It reads the files of Prosody, nginx, Jitsi, logrotate and journald, never the database.  The installation
runs it before there is anything but the system's Python: so it uses the standard library alone.
"""

"""Answers which people may use the panel: members, their permissions, sign-in, sessions and second factors.

Holds the commands that change them, and what proves that it is them.
It never knows of HTTP, cookies' transport or pages; those belong to ``admin``.
"""

"""Answers who is signed in at this browser, since when, and what they may open.

It never compares a password or a code: ``authbridge`` does, and the database holds every session.
"""

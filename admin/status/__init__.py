"""Answers how things stand, in sentences for a page: the services, a revocation, a lockout.

It never changes anything, and never decides: it words what ``authbridge`` has found.
"""

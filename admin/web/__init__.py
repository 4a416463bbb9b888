"""Answers how a request is read and how its answer looks: addresses, pages, headers, errors, languages.

It never knows who is signed in, and it never changes anything.
"""

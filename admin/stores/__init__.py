"""Answers what this process keeps in memory, for whom and how long: drafts, handouts, codes, sent forms.

It never touches Flask or the database, and nothing in it outlives the process.
"""

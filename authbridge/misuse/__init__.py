"""Answers which misuse was reported, what was suspended for it, and what came of it.

The head of a school may report and block at any hour, with a one-time code.  It holds no name of a person.
"""

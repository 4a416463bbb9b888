"""Answers how much the service is used: per school and month, never per person.

What stands for one or two is never shown as a number, nor can it be subtracted from one; see ``figures.py``.
"""

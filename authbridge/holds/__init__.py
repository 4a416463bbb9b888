"""Answers which rows of the journal are kept for an incident, and by which two members of staff.

It never holds everything: a hold names one organiser, and a span of days within the retention.
"""

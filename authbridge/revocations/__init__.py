"""Answers what every Prosody server is notified of, and what each has reported as carried out.

Holds the feed, the long polls that wait for it, and the status that staff see.
It never suspends anybody: the commands of ``schools`` publish their changes here.
"""

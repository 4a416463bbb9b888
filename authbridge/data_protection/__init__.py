"""Answers what is stored, about whom, who sees it and for how long; and what is kept about one account.

The record of processing is written beside the tables: a column that nobody described fails the tests.  Never
deletes or changes anything; that somebody asked for what is kept about an account is noted in the audit.
"""

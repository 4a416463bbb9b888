"""Answers what people may type, field by field, and says in a sentence what is wrong with it.

It never changes anything: a form holds values, and a view hands them to a command.
"""

"""Answers which pages there are, a module a noun: reads, calls one command, redirects or renders.

It holds no rule of the domain, and never words the state of things itself: ``status`` does.
"""

"""Answers whether an organiser may open a meeting now, and how long an attempt must wait.

Holds the policy, the login flow, the failures that both count, and their commands.
It never knows of HTTP, of staff's sessions or of pages.
"""

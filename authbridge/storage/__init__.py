"""Answers where data stands: the tables, the transactions, and the version of the schema.

SQLite or PostgreSQL, over SQLAlchemy; migrations by Alembic.
It never knows a rule of the login policy, and commits only what its caller wrote.
"""

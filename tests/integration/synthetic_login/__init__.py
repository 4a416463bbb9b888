"""Tests of ``authbridge/synthetic_login/``, over SQLite and PostgreSQL."""

"""Tests of ``authbridge/revocations/``, over SQLite and PostgreSQL."""

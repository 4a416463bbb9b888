"""Tests of ``authbridge/statistics/``, over SQLite and PostgreSQL."""

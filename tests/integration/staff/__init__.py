"""Tests of ``authbridge/staff/``, over SQLite and PostgreSQL."""

"""Tests of ``authbridge/storage/``, over SQLite and PostgreSQL."""

"""Tests of ``authbridge/misuse/``, over SQLite and PostgreSQL."""

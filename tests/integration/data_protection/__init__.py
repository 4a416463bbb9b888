"""Tests of ``authbridge/data_protection/``, over SQLite and PostgreSQL."""

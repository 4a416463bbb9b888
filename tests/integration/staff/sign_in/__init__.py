"""Tests of ``authbridge/staff/sign_in/``: the login policy at the panel, over SQLite and PostgreSQL."""

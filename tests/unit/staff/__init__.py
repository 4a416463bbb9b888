"""Tests of ``authbridge/staff/``, without a database."""

"""Tests of ``authbridge/synthetic_login/``, without a database."""

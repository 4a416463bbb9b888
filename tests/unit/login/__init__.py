"""Tests of ``authbridge/login/``, without a database."""

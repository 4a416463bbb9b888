"""Tests of ``authbridge/statistics/``, without a database."""

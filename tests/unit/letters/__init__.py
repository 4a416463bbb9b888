"""Tests of ``authbridge/letters/``, without a database."""

"""Tests of ``authbridge/data_protection/``, without a database."""

"""Tests of ``authbridge/schools/``, without a database."""

"""Tests of ``authbridge/holds/``, on both databases."""

"""Tests of ``tests/support/``, without a database."""

"""Tests of ``authbridge/misuse/`` without a database."""

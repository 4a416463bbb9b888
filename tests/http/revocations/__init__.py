"""Tests of ``authbridge/revocations/``, through its own face."""

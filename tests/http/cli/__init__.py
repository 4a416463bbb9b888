"""Tests of ``authbridge/cli/``, through its own face."""

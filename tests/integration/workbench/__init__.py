"""Tests of ``workbench/``, with real processes."""

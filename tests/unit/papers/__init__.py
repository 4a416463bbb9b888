"""Tests of ``deploy/papers``: what a page says is what the code says."""

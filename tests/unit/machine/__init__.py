"""Tests of what reads and judges a machine, without a machine."""

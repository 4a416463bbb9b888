"""Tests of ``authbridge/staff/sign_in/``: how staff come in, and what keeps others out."""

"""Answers what Jitsi's own page says about a login, in the operator's words.

Values in, JSON documents out.  It never decides a login, and its documents hold nothing about any account.
"""

from authbridge.jitsi.words import Transport, branding, labels, read_help, refusal

__all__ = ["Transport", "branding", "labels", "read_help", "refusal"]

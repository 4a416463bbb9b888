"""Follows how a real Prosody learns of suspensions, and what it reports."""

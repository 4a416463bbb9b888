"""The login page's own rules."""

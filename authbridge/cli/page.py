"""Adds ``authbridge page``: the login page, and what leads to it."""

import click


@click.group()
def page() -> None:
    """Offer Jitsi's guests a login page of their own beside Jitsi's dialog."""

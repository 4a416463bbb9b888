"""Adds ``authbridge page``: the login page, and what leads to it."""

import click

from authbridge.cli.serving import serve_page


@click.group()
def page() -> None:
    """Offer Jitsi's guests a login page of their own beside Jitsi's dialog."""


page.add_command(serve_page)

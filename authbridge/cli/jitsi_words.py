"""Adds ``authbridge jitsi-words``: the documents with which Jitsi's page says why a login failed."""

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import show_json
from authbridge.jitsi import Transport, branding, labels, read_help
from authbridge.letters import Language


@click.command("jitsi-words")
@click.option(
    "--language", type=click.Choice(list(map(str, Language))), help="Print the labels of this language."
)
@click.option("--branding", "folder", metavar="URL", help="Print the document that names the labels in URL.")
@click.option(
    "--transport",
    type=click.Choice(list(map(str, Transport))),
    default=str(Transport.WEBSOCKET),
    show_default=True,
    help="How Jitsi's page reaches Prosody; over BOSH it knows one sentence for every refusal.",
)
@pass_operator
def jitsi_words(operator: Operator, language: str | None, folder: str | None, transport: str) -> None:
    """Print the documents that let Jitsi's page say why a login failed, to be served as files.

    The panel serves them too, at /jitsi/websocket/branding.json: then you need no files.  Either way, set
    dynamicBrandingUrl in Jitsi's config.js to the address of the branding document, and
    external_auth_page_words = true in Prosody's configuration.
    """
    if language is not None and folder is None:
        chosen = Language(language)
        document = labels(chosen, read_help(operator.config.letter_dir, chosen), Transport(transport))
    elif folder is not None and language is None:
        document = branding(folder.rstrip("/"))
    else:
        raise click.UsageError("Give either --language or --branding URL.")
    show_json(document)

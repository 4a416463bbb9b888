"""Reads the operator's short texts: a little Markdown in, the HTML that a letter has room for out.

Only printable elements are let in.  HTML comes out as it was typed, and pictures and links are refused:
nothing that an operator writes makes the printer fetch anything.
"""

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from authbridge.errors import ConfigError

_PRINTABLE = {
    "paragraph_open", "paragraph_close", "bullet_list_open", "bullet_list_close", "ordered_list_open",
    "ordered_list_close", "list_item_open", "list_item_close", "inline", "text", "text_special", "softbreak",
    "hardbreak", "strong_open", "strong_close", "em_open", "em_close", "code_inline",
}  # fmt: skip
_HEADINGS = frozenset({"heading_open", "heading_close"})
_LOWEST_RANK = 6
_INSTEAD = {
    "image": "a picture; only logo.svg or logo.png is printed",
    "link_open": "a link; on paper, write the address out, without brackets",
    "heading_open": "a second heading; there is room for one, in the first line",
}
_ANYTHING_ELSE = "something that is neither a paragraph nor a list of plain, **bold** or *slanted* words"


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender: a name, the lines of the postal address, and the lines beneath them (telephone, mail)."""

    name: str
    address: tuple[str, ...]
    contact: Markup


def parse_section(text: str, path: Path) -> Markup:
    """Returns a heading, of second rank in the letter, and its text.

    Raises:
        ConfigError: The text cannot be printed; the sentence names ``path``.
    """
    markdown = _markdown()
    heading, rest = _parse(markdown, text, path)
    if not rest:
        raise ConfigError(f"{path}: nothing stands beneath the heading.")
    body = Markup(markdown.renderer.render(rest, markdown.options, {}))  # noqa: S704 - escapes what it renders
    return Markup("<h2>{}</h2>\n{}").format(heading, body)


def parse_sender(text: str, path: Path) -> Sender:
    """Returns the name, the postal address, and, after an empty line, everything else.

    Raises:
        ConfigError: The text cannot be printed; the sentence names ``path``.
    """
    markdown = _markdown()
    name, rest = _parse(markdown, text, path)
    if [token.type for token in rest[:3]] != ["paragraph_open", "inline", "paragraph_close"]:
        raise ConfigError(f"{path}: the lines beneath the name must be the postal address.")
    address = tuple(line.strip() for line in _plain(rest[1]).splitlines())
    contact = markdown.renderer.render(rest[3:], markdown.options, {})
    return Sender(name, address, Markup(contact))  # noqa: S704 - the renderer escapes


def parse_line(text: str, path: Path) -> str:
    """Returns a text of one line.

    Raises:
        ConfigError: It has not one line; the sentence names ``path``.
    """
    lines = text.splitlines()
    if len(lines) != 1:
        raise ConfigError(f"{path}: this file must have one line, and has {len(lines)}.")
    return lines[0]


def parse_statement(text: str, path: Path, *, rank: int = 1) -> tuple[str, Markup]:
    """Returns the heading of a page, and its text: paragraphs, lists and further headings of lower rank.

    ``rank`` is that of the heading on the page.

    Raises:
        ConfigError: The text cannot be shown; the sentence names ``path``.
    """
    markdown = _markdown(xhtmlOut=False)
    heading, rest = _parse(markdown, text, path, also=_HEADINGS)
    for token in rest:
        if token.type in _HEADINGS:
            token.tag = f"h{min(int(token.tag[1]) + rank - 1, _LOWEST_RANK)}"
    return heading, Markup(markdown.renderer.render(rest, markdown.options, {}))  # noqa: S704 - it escapes


def _markdown(**options: bool) -> MarkdownIt:
    return MarkdownIt(
        "commonmark", {"html": False, "breaks": True, **options}
    )  # a line in the file is a line on paper


def _parse(
    markdown: MarkdownIt, text: str, path: Path, *, also: frozenset[str] = frozenset()
) -> tuple[str, list[Token]]:
    tokens = markdown.parse(text)
    if not tokens or (tokens[0].type, tokens[0].tag) != ("heading_open", "h1"):
        raise ConfigError(f"{path}: the first line must be a heading: a #, a blank, and its words.")
    heading, rest = tokens[1], tokens[3:]
    for token in (heading, *rest):
        for part in (token, *(token.children or ())):
            if part.type not in _PRINTABLE | also or part.tag == "h1":
                line = token.map[0] + 1 if token.map else 1
                raise ConfigError(f"{path}: line {line} holds {_INSTEAD.get(part.type, _ANYTHING_ELSE)}.")
    return _plain(heading), rest


def _plain(inline: Token) -> str:
    return "".join(
        "\n" if part.type in {"softbreak", "hardbreak"} else part.content for part in inline.children or ()
    )

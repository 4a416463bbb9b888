"""Keeps what others have written from commanding root's terminal."""


def printable(text: str) -> str:
    """Returns the text with what commands a terminal, or is no character, as its number.

    The names and lines of files that others write come to root's terminal with it.
    """
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text
    )

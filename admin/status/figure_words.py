"""A figure of the statistics in words: the number, or as much of it as is shown."""

from collections.abc import Callable

from authbridge.statistics.figures import FEWEST, Figure


def figure_in_words(figure: Figure, spell: Callable[[int], str]) -> str:
    """Returns such as 51, < 3 or ≥ 51; ``spell`` writes a number."""
    if figure.is_exact:
        return spell(figure.least)
    return f"< {FEWEST}" if figure.is_few else f"≥ {spell(figure.least)}"

"""The page about sizes shows what was measured."""

from bench.size_table import PAGE, newest, page_with, table_of


def test_the_table_is_that_of_the_newest_results() -> None:
    """Made anew with ``python -m bench.size_table``."""
    assert PAGE.read_text() == page_with(table_of(newest()))

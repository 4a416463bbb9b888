"""Deals the tests out to pytest's processes: together stays what shares running programs."""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_END_TO_END = "tests/end_to_end/"

# The files whose stories run in one Jitsi per version; see the conftest.py beside them.
_SHARED = re.compile(_END_TO_END + r"meetings/test_(forgeries|logout|meetings|rooms|usurpers)\.py")

# Among the parameters: the version of Prosody, or the language of the walk through all pages.
_PART = re.compile(r"[\[-](0\.12|13-backports|13-sid|13|de|en)[\]-]")


class Scheduling(LoadScopeScheduling):
    """Deals out files in their order, end-to-end tests in parts: by Prosody's version, pages by language."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # the longest come first as it is
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Returns what a test shares with others; those with the same scope run one after the other."""
    path, _, test = nodeid.partition("::")
    if not path.startswith(_END_TO_END):
        return path
    part = _PART.search(test)
    place = "the shared Jitsi" if _SHARED.fullmatch(path) else path
    return f"{place} {part.group(1)}" if part else place

"""Deals the tests out to pytest's processes: together stays what shares running programs."""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_END_TO_END = "tests/end_to_end/"

# The files whose stories run in one Jitsi per version; see the conftest.py beside them.
_SHARED = re.compile(_END_TO_END + r"meetings/test_(forgeries|logout|meetings|rooms|usurpers)\.py")

_VERSION = re.compile(r"[\[-](0\.12|13)[\]-]")  # among the parameters, of Prosody


class Scheduling(LoadScopeScheduling):
    """Deals out files in their order; end-to-end tests once more by the version of Prosody."""

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
    version = _VERSION.search(test)
    place = "the shared Jitsi" if _SHARED.fullmatch(path) else path
    return f"{place} {version.group(1)}" if version else place

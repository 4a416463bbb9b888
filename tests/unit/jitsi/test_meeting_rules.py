"""The help for the telephone quotes what the meeting server really says."""

import json
from pathlib import Path

from authbridge.jitsi.meeting_rules import SENTENCES

CONTRACT = json.loads((Path(__file__).parents[2] / "contract.json").read_text())


def test_each_sentence_is_that_of_the_server() -> None:
    """In German and English, none left out."""
    said = {name: str(sentence) for name, sentence in SENTENCES.items()}

    assert said == CONTRACT["meeting_rules"]["sentences"]

"""Answers what stands on paper: the letter with which a school gets the credentials of an organiser.

Values in, a PDF out.  It never keeps credentials, logs, writes a file, or reads any but the operator's.
"""

from authbridge.letters.envelope import (
    Envelope,
    Inside,
    NightReport,
    Receiver,
    print_envelope,
    print_terms,
    require_legible,
)
from authbridge.letters.letter import Language, Letter, LetterBatch
from authbridge.letters.letterhead import Letterhead, read_letterhead, read_line, read_logo, read_terms
from authbridge.letters.printing import print_file, print_files, print_letters
from authbridge.letters.spelling import SpellingTable, spell
from authbridge.letters.statements import Statement, read_operator_name, read_own_sender, read_statement
from authbridge.letters.terms import Terms

__all__ = [
    "Envelope",
    "Inside",
    "Language",
    "Letter",
    "LetterBatch",
    "Letterhead",
    "NightReport",
    "Receiver",
    "SpellingTable",
    "Statement",
    "Terms",
    "print_envelope",
    "print_file",
    "print_files",
    "print_letters",
    "print_terms",
    "read_letterhead",
    "read_line",
    "read_logo",
    "read_operator_name",
    "read_own_sender",
    "read_statement",
    "read_terms",
    "require_legible",
    "spell",
]

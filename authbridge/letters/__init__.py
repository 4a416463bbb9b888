"""Answers what stands on paper: the letter with which a school gets the credentials of an organiser.

Values in, a PDF out.  It never keeps credentials, logs, writes a file, or reads any but the operator's.
"""

from authbridge.letters.letter import Language, Letter, LetterBatch
from authbridge.letters.letterhead import Letterhead, read_letterhead, read_line
from authbridge.letters.printing import print_file, print_files, print_letters
from authbridge.letters.spelling import SpellingTable, spell
from authbridge.letters.statements import Statement, read_operator, read_statement

__all__ = [
    "Language",
    "Letter",
    "LetterBatch",
    "Letterhead",
    "SpellingTable",
    "Statement",
    "print_file",
    "print_files",
    "print_letters",
    "read_letterhead",
    "read_line",
    "read_operator",
    "read_statement",
    "spell",
]

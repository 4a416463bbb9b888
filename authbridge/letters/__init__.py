"""Letters on paper: what a school gets with the credentials of an organiser.

Values in, a PDF out.  Nothing here keeps credentials, logs, writes a file or reads any but the operator's.
"""

from authbridge.letters.letter import Language, Letter, PrintJob
from authbridge.letters.letterhead import Letterhead, read_letterhead
from authbridge.letters.printing import print_letters
from authbridge.letters.spelling import spell

__all__ = ["Language", "Letter", "Letterhead", "PrintJob", "print_letters", "read_letterhead", "spell"]

"""A letter in a file of its own: nothing in it is of another letter, wherever one looks."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, StreamObject, TextStringObject

from authbridge.letters import Language, Letter, print_files, print_letters
from tests.support.letters import JOB, LETTER, shipped, text_of

PASSWORDS = ("vpgd-kxwj-rhms", "bcdf-ghjk-mnpr", "wxwx-stst-kbkb")
LETTERS = [
    replace(LETTER, username=f"ohg-{name}", password=password)
    for name, password in zip(("kwtx", "bbcc", "ddff"), PASSWORDS, strict=True)
]


def files(letters: list[Letter] = LETTERS, *, large_print: bool = False) -> list[bytes]:
    """The letters as files."""
    return list(print_files(letters, replace(JOB, large_print=large_print), shipped()))


def strings_of(reader: PdfReader) -> Iterator[bytes]:
    """Every string and every stream of the file, whether or not a page refers to it."""
    for number in range(1, int(str(reader.trailer["/Size"]))):
        yield from _strings(reader.get_object(number))


def _strings(value: object) -> Iterator[bytes]:
    if isinstance(value, StreamObject):
        yield value.get_data()
    if isinstance(value, DictionaryObject):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, ArrayObject):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, TextStringObject | ByteStringObject):
        yield str(value).encode()


@pytest.mark.parametrize("large_print", [False, True])
def test_a_file_holds_one_letter_as_in_the_whole_job(*, large_print: bool) -> None:
    """With its number among all."""
    job = replace(JOB, large_print=large_print)
    whole = PdfReader(io.BytesIO(print_letters(LETTERS, job, shipped())))
    pages = [
        page for content in files(large_print=large_print) for page in PdfReader(io.BytesIO(content)).pages
    ]

    assert [text_of(page) for page in pages] == [text_of(page) for page in whole.pages]
    assert "Brief 2 von 3" in text_of(pages[2 if large_print else 1])


@pytest.mark.parametrize("large_print", [False, True])
def test_a_file_is_the_same_whatever_the_other_letters_say(*, large_print: bool) -> None:
    """Byte by byte: so nothing of them is in it, not in its text, its tags, its fonts or any stream."""
    others = [replace(each, username="ohg-tvxw", password="tvtv-xwxw-cdcd") for each in LETTERS]

    for place, content in enumerate(files(large_print=large_print)):
        among_others = [*others[:place], LETTERS[place], *others[place + 1 :]]
        assert files(among_others, large_print=large_print)[place] == content


def test_no_file_holds_the_name_or_password_of_another() -> None:
    """Looked for in every string and stream, the unpacked ones and the tags among them."""
    for place, content in enumerate(files()):
        reader = PdfReader(io.BytesIO(content))
        everything = b"\n".join(strings_of(reader)) + content + text_of(reader.pages[0]).encode()
        assert LETTERS[place].username.encode() in everything, "the search finds what is there"
        assert PASSWORDS[place].encode() in everything
        for other in LETTERS[:place] + LETTERS[place + 1 :]:
            assert other.username.encode() not in everything
            assert other.password.encode() not in everything
            assert other.password.replace("-", "").encode() not in everything
        assert [str(each["/Title"]) for each in reader.outline if isinstance(each, dict)] == [
            f"Brief {place + 1}: {LETTERS[place].username}"
        ]


def test_a_file_of_one_letter_is_as_accessible_as_all() -> None:
    """Title, language and tags."""
    for content in files():
        root = PdfReader(io.BytesIO(content)).trailer["/Root"]
        assert isinstance(root, DictionaryObject)
        assert str(root["/Lang"]) == Language.GERMAN.value
        assert "/StructTreeRoot" in root

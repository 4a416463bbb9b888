"""Files of existing credentials, as spreadsheet programs write them."""

import pytest

from authbridge.errors import ImportFileError
from authbridge.login.typed_passwords import parse_password
from authbridge.schools.csv_import import parse_credentials
from tests.support.factories import HASHER

SECRET = "Geheim;12,a"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('school,username,password\nohg,frau.a,"Geheim;12,a"\n', id="comma"),
        pytest.param('school;username;password\r\nohg;frau.a;"Geheim;12,a"\r\n', id="semicolon, Windows"),
        pytest.param('\ufeffschool,username,password\nohg,frau.a,"Geheim;12,a"', id="byte-order mark"),
        pytest.param(
            'Username, Password ,SCHOOL\nFrau.A,"Geheim;12,a",OHG\n\n,,\n', id="order, case, blanks"
        ),
    ],
)
def test_the_usual_forms_are_understood(content: str) -> None:
    """Delimiter, order of columns, line ends and empty lines do not matter."""
    (credential,) = parse_credentials(content.encode(), HASHER)

    assert (credential.school, credential.username, credential.line) == ("ohg", "frau.a", 2)
    assert HASHER.matches(parse_password(SECRET), credential.stored)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param("", 1, "heading", id="empty file"),
        pytest.param("name,password\nx,y\n", 1, "heading", id="missing column"),
        pytest.param("school,username,password\nohg,a.b\n", 2, "2 fields", id="missing field"),
        pytest.param("school,username,password\nohg,a.b,x\no,c.d,x\n", 3, "code", id="bad code"),
        pytest.param("school,username,password\nohg,Müller,x\n", 2, "login name", id="bad name"),
        pytest.param("school,username,password\nohg,a.b,\n", 2, "empty", id="empty password"),
        pytest.param(f"school,username,password\nohg,a.b,{'x' * 65}\n", 2, "64 bytes", id="long password"),
        pytest.param("school,username,password\nohg,a.b,x\nohg,A.B,y\n", 3, "line 2 already", id="twice"),
        pytest.param('school,username,password\nohg,a.b,"x\n', 2, "quotation", id="open quotation mark"),
    ],
)
def test_a_fault_is_told_with_its_line(content: str, line: int, words: str) -> None:
    """Nothing is taken over, and the administrator knows where to look."""
    with pytest.raises(ImportFileError) as raised:
        parse_credentials(content.encode(), HASHER)

    assert raised.value.faults[0][0] == line
    assert words in raised.value.faults[0][1]


@pytest.mark.parametrize("lines", ["ohg,a.b,x\n" * 5001, "ohg,a.b," + "x" * 1024 * 1024])
def test_a_file_that_is_too_long_is_refused_before_it_is_hashed(lines: str) -> None:
    """Five thousand lines take five minutes; more are split by hand."""
    with pytest.raises(ImportFileError, match="too long"):
        parse_credentials(b"school,username,password\n" + lines.encode(), HASHER)


def test_all_faults_are_told_at_once() -> None:
    """One look at the list mends the file."""
    content = "school,username,password\nohg,a b,x\nohg,c.d,x\nohg,e.f,\n"

    with pytest.raises(ImportFileError) as raised:
        parse_credentials(content.encode(), HASHER)

    assert [line for line, _ in raised.value.faults] == [2, 4]


def test_another_encoding_is_told_with_its_line() -> None:
    """Spreadsheet programs on Windows like to write something else than UTF-8."""
    content = "school,username,password\nohg,a.b,x\nohg,c.d,Tür\n".encode("cp1252")

    with pytest.raises(ImportFileError, match="line 3: this is not UTF-8"):
        parse_credentials(content, HASHER)


def test_no_fault_quotes_a_password() -> None:
    """Not even when the columns were mixed up."""
    content = f"school,username,password\n{SECRET!r},{SECRET!r},x\nohg,{SECRET!r},{'y' * 70}\n"

    with pytest.raises(ImportFileError) as raised:
        parse_credentials(content.encode(), HASHER)

    assert "Geheim" not in str(raised.value)
    assert "yyy" not in str(raised.value)

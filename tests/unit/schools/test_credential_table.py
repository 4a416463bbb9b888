"""Tables of existing credentials: what is understood, what is refused, and no fault quotes a password."""

from datetime import date

import pytest

from authbridge.errors import ImportFileError
from authbridge.schools.credential_table import TypedCredential, read_credentials
from authbridge.tables import guard

SECRET = "Geheim;12,a"
TODAY = date(2026, 11, 27)


def read(content: str | bytes) -> list[TypedCredential]:
    """Reads the credentials of a table."""
    encoded = content if isinstance(content, bytes) else content.encode()
    return list(read_credentials(encoded, today=TODAY).credentials)


def faults_of(content: str | bytes) -> list[tuple[int, str]]:
    """Returns the faults of a table, as they are read."""
    with pytest.raises(ImportFileError) as raised:
        read(content)
    return [(line, str(fault)) for line, fault in raised.value.faults]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('school,username,password\nohg,frau.a,"Geheim;12,a"\n', id="comma"),
        pytest.param('school;username;password\r\nohg;frau.a;"Geheim;12,a"\r\n', id="semicolon, Windows"),
        pytest.param('\ufeffschool,username,password\nohg,frau.a,"Geheim;12,a"', id="byte-order mark"),
        pytest.param(
            'Username, Password ,SCHOOL\nFrau.A,"Geheim;12,a",OHG\n\n,,\n', id="order, case, blanks"
        ),
        pytest.param('Schule;Anmeldename;Passwort\nohg;frau.a;"Geheim;12,a"\n', id="German"),
        pytest.param('Kennwort;Kürzel;Benutzername\n"Geheim;12,a";ohg;frau.a\n', id="German, other words"),
        pytest.param('Password;Short code;Login name\n"Geheim;12,a";ohg;frau.a\n', id="as the panel says it"),
        pytest.param(
            'school;username;password;Zustand;Letzte Anmeldung\nohg;frau.a;"Geheim;12,a";aktiv;nie\n',
            id="columns of our own lists",
        ),
    ],
)
def test_the_usual_forms_are_understood(content: str) -> None:
    """Delimiter, language, order of columns, line ends and empty lines do not matter."""
    (credential,) = read(content)

    assert (credential.school.casefold(), credential.username, credential.line) == ("ohg", "frau.a", 2)
    assert (credential.password, credential.valid_until) == (SECRET, None)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param("", 1, "heading", id="empty file"),
        pytest.param("school,username,password\n", 1, "nothing below", id="heading alone"),
        pytest.param("name,password\nx,y\n", 1, "lacks headings: school (Schule), ", id="missing column"),
        pytest.param("school,username,password\nohg,a.b\n", 2, "only 2 of the 3 fields", id="missing field"),
        pytest.param(
            "school,username,password\nohg,a.b,x,y\n", 2, "beyond the 3 fields", id="one field more"
        ),
        pytest.param("school,username,password\nohg,Müller,x\n", 2, "login name", id="bad name"),
        pytest.param("school,username,password\n,a.b,x\n", 2, "school is missing", id="no school"),
        pytest.param("school,username,password\nohg,a.b,\n", 2, "empty", id="empty password"),
        pytest.param(f"school,username,password\nohg,a.b,{'x' * 65}\n", 2, "64 bytes", id="long password"),
        pytest.param("school,username,password\nohg,a.b,x\nohg,A.B,y\n", 3, "line 2 already", id="twice"),
        pytest.param('school,username,password\nohg,a.b,"x\n', 2, "quotation", id="open quotation mark"),
        pytest.param("school,username,password\nohg,a.b,'=x\n", 2, "apostrophe", id="guarded formula"),
        pytest.param("school,username,password\nohg,a.b,'0123\n", 2, "apostrophe", id="guarded number"),
        pytest.param("school;username;password\nohg;a.b;1,2E+11\n", 2, "shortened", id="shortened number"),
        pytest.param(
            "school;username;password\nohg;a.b;1E+11\n", 2, "shortened", id="shortened round number"
        ),
        pytest.param("school;username;password\nohg;a.b;WAHR\n", 2, "yes or no", id="truth value"),
        pytest.param("school;username;password\nohg;a.b;#NAME?\n", 2, "error of the", id="failed formula"),
        pytest.param(
            "school,username,password,valid until\nohg,a.b,x,31.06.2027\n",
            2,
            "no 31.06.2027",
            id="no such day",
        ),
        pytest.param(
            "school,username,password,valid until\nohg,a.b,x,2026-11-26\n", 2, "expired", id="past day"
        ),
        pytest.param(
            "school,username,password,Klasse\nohg,a.b,x,7b\n", 1, "“Klasse” is not known", id="another column"
        ),
        pytest.param(
            "school,username,Passwort,Kennwort\nohg,a.b,x,y\n",
            1,
            "“Passwort” and “Kennwort”",
            id="column twice",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(content: str, line: int, words: str) -> None:
    """Nothing is taken over, and the administrator knows where to look."""
    (found,) = [fault for fault in faults_of(content) if words in fault[1]]

    assert found[0] == line


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u2009", "\u3000", "\n"])
@pytest.mark.parametrize("form", ["{}Kaesebrot77", "Kaesebrot77{}"])
def test_a_password_with_a_blank_at_an_end_is_named_not_trimmed(form: str, blank: str) -> None:
    """With the blank, nobody could log in; without it, it would be another password than was given."""
    password = form.format(blank)

    ((line, sentence),) = faults_of(f'school;username;password\nohg;t020;Brot\nohg;t021;"{password}"\n')

    assert line == 3
    assert "begins or ends with a blank" in sentence
    assert "Kaesebrot" not in sentence


def test_the_example_of_the_report() -> None:
    """A comma and a blank between the fields, as people type them."""
    assert faults_of("school, username, password\nohg, t021, Kaesebrot77\n")[0][0] == 2


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", None),
        ("no end", None),
        ("ohne Ende", None),
        ("31.07.2028", date(2028, 7, 31)),
        ("2026-11-27", TODAY),
    ],
)
def test_the_end_of_validity_is_taken_over(typed: str, expected: date | None) -> None:
    """As the panel's own table of new credentials has it."""
    (credential,) = read(f"Schule;Anmeldename;Passwort;Gültig bis\nohg;a.b;x;{typed}\n")

    assert credential.valid_until == expected


@pytest.mark.parametrize("lines", ["ohg,a.b,x\n" * 2001, "ohg,a.b," + "x" * 1024 * 1024])
def test_a_file_that_is_too_long_is_refused_before_it_is_hashed(lines: str) -> None:
    """Two thousand lines take two minutes; more are split by hand."""
    assert "too long" in faults_of("school,username,password\n" + lines)[0][1]


def test_two_thousand_lines_are_not_too_many() -> None:
    """Below the heading."""
    lines = "".join(f"ohg,a.{number},x\r\n" for number in range(2000))

    assert len(read("school,username,password\r\n" + lines)) == 2000


def test_all_faults_are_told_at_once() -> None:
    """One look at the list mends the file; a line may have several, and one that comes twice as well."""
    content = "school,username,password\nohg,a b,x\nohg,c.d,x\nohg,e.f,\n,C.D,\n"

    assert [line for line, _ in faults_of(content)] == [2, 4, 5, 5, 5]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            f"school,username,password\n{SECRET!r},{SECRET!r},x\nohg,{SECRET!r},{'y' * 70}\n", id="mixed up"
        ),
        pytest.param('ohg;frau.a;"Geheim;12,a"\nohg;frau.b;yyyy\n', id="no heading"),
        pytest.param("ohg;user;Geheim12!\nohg;frau.b;yyyy\n", id="no heading, but a user called so"),
        pytest.param("user;Geheim12!;Login\nohg;frau.b;yyyy\n", id="a heading twice"),
        pytest.param("school;username;password\nohg;a.b;Geheim;12\n", id="separator not quoted"),
        pytest.param(
            "school;username;password\nohg;geheim12;x\nohg;geheim12;y\n", id="names that are passwords"
        ),
        pytest.param(b"school;username;password\nohg;a.b;Geheim\xc3\xbc\xff\n", id="not a known encoding"),
        pytest.param('school;username;password\nohg;a.b;"Geheim', id="open quotation mark"),
        pytest.param("school;username;password\nohg;a.b;'=Geheim\n", id="guarded"),
    ],
)
def test_no_fault_quotes_a_password(content: str | bytes) -> None:
    """Not even when the columns were mixed up; nor does an error behind the fault."""
    with pytest.raises(ImportFileError) as raised:
        read(content)

    error: BaseException | None = raised.value
    while error is not None:
        assert "geheim" not in repr(error).casefold() + str(error).casefold()
        assert "yyy" not in str(error)
        error = error.__cause__ or error.__context__


def test_what_is_read_shows_no_password() -> None:
    """Neither in a log nor in a traceback."""
    table = read_credentials(b"school;username;password\nohg;a.b;Geheim12\n", today=TODAY)

    assert "Geheim" not in repr(table)


def test_a_guarded_school_is_found() -> None:
    """Our own lists guard a short code that a spreadsheet would take for a number."""
    (credential,) = read(f"Schule;Anmeldename;Passwort\n{guard('0123')};{guard('-a.b')};x\n")

    assert (credential.school, credential.username) == ("0123", "-a.b")

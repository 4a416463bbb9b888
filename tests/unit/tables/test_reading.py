"""Each way in which offices write tables, and that nothing of a table is lost or changed on the way."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.errors import ImportFileError, InputError
from authbridge.tables import TableFile, column, guard, read_table, require_value, unguard
from authbridge.tables.records import TableRecord

COLUMNS = (
    column("code", "code (Kürzel)", "kürzel", required=True),
    column("name", "name (Name)", "schule"),
    column("street", "street (Straße)", "straße"),
    column("state", "state (Zustand)", "zustand", is_read=False),
)
EXPECTED = {"code": "ohg", "name": "Grüne Schule"}


def read(content: str | bytes) -> TableFile:
    """Reads a table with those columns."""
    return read_table(content if isinstance(content, bytes) else content.encode(), COLUMNS)


def faults_of(content: str | bytes) -> list[tuple[int, str]]:
    """Returns the faults of a table, as they are read."""
    with pytest.raises(ImportFileError) as raised:
        read(content)
    return [(line, str(fault)) for line, fault in raised.value.faults]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param("Kürzel;Name\nohg;Grüne Schule\n", 2, id="semicolon"),
        pytest.param("Kürzel,Name\nohg,Grüne Schule\n", 2, id="comma"),
        pytest.param("Kürzel\tName\nohg\tGrüne Schule\n", 2, id="tab"),
        pytest.param("sep=;\r\nKürzel;Name\r\nohg;Grüne Schule\r\n", 3, id="sep= line"),
        pytest.param("SEP=|\nKürzel|Name\nohg|Grüne Schule\n", 3, id="sep= line with another separator"),
        pytest.param("sep=\t\nKürzel\tName\nohg\tGrüne Schule\n", 3, id="sep= line with a tab"),
        pytest.param('"sep=;";\nKürzel;Name\nohg;Grüne Schule\n', 3, id="sep= line that was saved again"),
        pytest.param('"sep=;",\nKürzel,Name\nohg,Grüne Schule\n', 3, id="sep= line of another separator"),
        pytest.param("\ufeffKürzel;Name\nohg;Grüne Schule\n", 2, id="byte-order mark"),
        pytest.param("\ufeffsep=;\nKürzel;Name\nohg;Grüne Schule\n", 3, id="byte-order mark and sep= line"),
        pytest.param("Kürzel;Name\r\nohg;Grüne Schule\r\n", 2, id="CRLF"),
        pytest.param("Kürzel;Name\rohg;Grüne Schule\r", 2, id="CR"),
        pytest.param("Kürzel;Name\nohg;Grüne Schule", 2, id="no last line end"),
        pytest.param("Kürzel;Name;;\nohg;Grüne Schule;;\n;;;\n", 2, id="empty columns and rows"),
        pytest.param("Kürzel;Name;;\nohg;Grüne Schule\n", 2, id="empty fields left out"),
        pytest.param(";Kürzel;Name\n;ohg;Grüne Schule\n", 2, id="empty first column"),
        pytest.param("\n;;\nKürzel;Name\n\nohg;Grüne Schule\n", 5, id="empty rows before"),
        pytest.param('"Kürzel";"Name"\n"ohg";"Grüne Schule"\n', 2, id="all quoted"),
        pytest.param("code;schule\nohg;Grüne Schule\n", 2, id="English and German"),
        pytest.param(" NAME ; Kürzel \nGrüne Schule;ohg\n", 2, id="order, case, blanks"),
        pytest.param("Ku\u0308rzel;Name\nohg;Grüne Schule\n", 2, id="umlaut of two characters"),
        pytest.param("Kürzel;Name;Notiz\nohg;Grüne Schule;\n", 2, id="unknown column that is empty"),
        pytest.param("Kürzel;Name;Zustand\nohg;Grüne Schule;aktiv\n", 2, id="column that is not read"),
        pytest.param("Kürzel;Name\nohg;Grüne Schule\n".encode("cp1252"), 2, id="Windows-1252"),
        pytest.param(
            "Kürzel;Name\nohg;Grüne\xa0Schule\n".encode("cp1252"), 2, id="blank that does not break"
        ),
        pytest.param("Kürzel;Name\nohg;Grüne Schule\n".encode("iso-8859-15"), 2, id="ISO 8859-15"),
        pytest.param("Kürzel;Name\rohg;Grüne Schule\r".encode("cp1252"), 2, id="Windows-1252, CR"),
        pytest.param("Kürzel\tName\r\nohg\tGrüne Schule\r\n".encode("utf-16"), 2, id="UTF-16, tab"),
        pytest.param(
            b"\xfe\xff" + "Kürzel\tName\r\nohg\tGrüne Schule\r\n".encode("utf-16-be"), 2, id="UTF-16, big end"
        ),
    ],
)
def test_each_way_of_writing_is_read(content: str | bytes, line: int) -> None:
    """The heading decides."""
    (row,) = read(content).rows

    assert row.line == line
    assert {name: " ".join(cell.split()) for name, cell in row.cells.items()} == EXPECTED


def test_how_it_was_read_is_told() -> None:
    """A wrong guess shows in the preview, and which columns were left out."""
    table = read("Kürzel,Zustand\nä,aktiv\n".encode("cp1252"))

    assert (table.encoding, table.separator, table.unread) == ("Windows-1252", ",", ("Zustand",))
    assert read("code;name\nohg;x\n").encoding == "UTF-8"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_separators_below_the_heading_decide_nothing(ends: str) -> None:
    """Passwords may hold more commas than there are semicolons, in a file of any line ends."""
    (row,) = read(f"code;name{ends}ohg;a,b,c,d,e,f{ends}").rows

    assert row.cells["name"] == "a,b,c,d,e,f"


def test_a_field_may_hold_separators_quotation_marks_and_lines() -> None:
    """The next row is still told by its own first line."""
    table = read('code;name;street\r\nohg;"Eine ""Schule""; am\r\nMarkt";"a\nb"\r\nlmg;x;y\r\n')

    assert table.rows[0].cells["name"] == 'Eine "Schule"; am\r\nMarkt'
    assert [row.line for row in table.rows] == [2, 5]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param(b"PK\x03\x04rest", 1, "workbook", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0rest", 1, "workbook", id="xls"),
        pytest.param("code\nohg\n".encode("utf-16-le"), 1, "neither", id="UTF-16 without its mark"),
        pytest.param(b"code;name\nohg;\x81\n", 2, "neither", id="not in Windows-1252"),
        pytest.param("code;name\nohg;Grün\nlmg;".encode() + b"\xff\n", 3, "neither", id="two encodings"),
        pytest.param(
            "code;name\nohg;„\nlmg;".encode() + b"\xfc\n", 3, "neither", id="two, with a quotation mark"
        ),
        pytest.param("code\nohg\n".encode("utf-32"), 1, "was lost", id="UTF-32"),
        pytest.param("code;name\nohg;x\0\n".encode("utf-16"), 2, "was lost", id="NUL in UTF-16"),
        pytest.param("code;name\nohg;x\n".encode("utf-16")[:-1], 2, "was lost", id="half a character"),
        pytest.param("code;name\nohg;Gr\ufffdn\n", 2, "was lost", id="mark of a lost letter"),
        pytest.param("\ufeff\n<table><tr><td>code\n", 1, "workbook", id="web page"),
        pytest.param(b"\xef\xbb\xbfcode;name\nohg;\xfc\n", 2, "neither", id="marked as UTF-8"),
        pytest.param("code;name\rohg;Grün\r".encode("mac-roman"), 2, "neither", id="a Mac's own encoding"),
        pytest.param(
            "code;name\nohg;Größe\n".encode("mac-roman"), 2, "neither", id="the same, other line ends"
        ),
        pytest.param("code;name\nohg;Größe\n".encode("cp850"), 2, "neither", id="DOS"),
        pytest.param("code;name\nohg;5 €\n".encode("iso-8859-15"), 2, "neither", id="euro of ISO 8859-15"),
        pytest.param("'code';'name'\n'ohg';'x'\n", 1, "between apostrophes", id="apostrophes around"),
        pytest.param("“code”;“name”\n“ohg”;“x”\n", 1, "between apostrophes", id="typographic marks around"),
        pytest.param('code;name\nohg;"x\n', 2, "quotation", id="open quotation mark"),
        pytest.param('code;name\nohg;"x"y\n', 2, "quotation", id="text behind a quotation mark"),
        pytest.param("code;name\nohg;x;y\n", 2, "beyond the 2 fields", id="more fields than headings"),
        pytest.param("name;code\nx\n", 2, "only 1 of the 2 fields", id="row that ends too early"),
        pytest.param("name;Ort\nx;y\n", 1, "Found in it: “name”, “Ort”", id="column missing"),
        pytest.param("code;\x1b[2J\nx;y\n", 1, "“[2J” is not known", id="heading that a terminal obeys"),
        pytest.param("code;Kürzel\nx;y\n", 1, "“code” and “Kürzel”", id="column twice"),
    ],
)
def test_a_fault_has_its_line_and_says_what_was_found(content: str | bytes, line: int, words: str) -> None:
    """A clerk finds the place, and a terminal is not told anything by it."""
    (found,) = [fault for fault in faults_of(content) if words in fault[1]]

    assert found[0] == line


def test_a_heading_of_too_many_fields_is_refused_before_anything_is_compared() -> None:
    """Else some kilobytes would cost the whole service many seconds; empty fields do no harm."""
    rows = "ohg\n" * 2000
    (fault,) = faults_of(f"code;{';'.join('q' * 60_000)}\n{rows}")

    assert fault[0] == 1
    assert fault[1].startswith("The heading has 60001 fields, and at most 100 are read.")
    assert len(faults_of(f"code;{';'.join('q' * 99)}\nohg;{';'.join('x' * 99)}\n")) == 99
    assert len(read(f"code{';' * 10_000}\n{rows}").rows) == 2000


def test_each_field_is_looked_at_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many headings are not known."""
    asked = 0
    original = TableRecord.at

    def at(record: TableRecord, place: int) -> str:
        nonlocal asked
        asked += 1
        return original(record, place)

    monkeypatch.setattr(TableRecord, "at", at)
    read(f"code;{';'.join('q' * 99)}\n" + "ohg\n" * 2000)

    assert asked <= 2000 * len(COLUMNS)


_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\ufffd", exclude_categories=["Cs"]), max_size=12
)
_LATIN = st.text(st.sampled_from("aZ09 äöüßÄ€éŠ„“–,;\t\"'=+-@\n\r"), max_size=12)


def _written(rows: Sequence[Mapping[str, str]], encoding: str, **form: object) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["code", "name", "street"], **form)  # type: ignore[arg-type]  # of csv
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


@given(
    cells=st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    delimiter=st.sampled_from(";,\t"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_table_comes_back_as_it_was_written(
    cells: list[tuple[str, str]], encoding: str, delimiter: str, line_end: str, quoting: int
) -> None:
    """Whatever stands in it: separators, quotation marks, line ends, blanks, characters of any script."""
    rows = [{"code": "ohg", "name": name, "street": street} for name, street in cells]
    if quoting == csv.QUOTE_MINIMAL:  # csv.writer quotes its own line ends only (before Python 3.13)
        rows = [{name: " ".join(cell.splitlines()) for name, cell in row.items()} for row in rows]
    content = _written(rows, encoding, delimiter=delimiter, lineterminator=line_end, quoting=quoting)

    assert [dict(row.cells) for row in read(content).rows] == rows


@given(cells=st.lists(_LATIN, min_size=1, max_size=6), line_end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_windows_1252_is_never_read_as_something_else(cells: list[str], line_end: str) -> None:
    """It comes back as it was written, or is refused where it might be in another encoding."""
    rows = [{"code": "ohg", "name": name, "street": "ö"} for name in cells]
    content = _written(rows, "cp1252", delimiter=";", lineterminator=line_end, quoting=csv.QUOTE_ALL)
    try:
        found = [dict(row.cells) for row in read(content).rows]
    except ImportFileError:
        assert b"\n" not in content or re.search("[a-zA-Z][Š„]+[a-z]", content.decode("cp1252"))
    else:
        assert found == rows


@given(st.text(st.sampled_from("'=+-@\t\r0123456789.,/:eE%ab"), max_size=8))
def test_a_guarded_cell_comes_back(cell: str) -> None:
    """The guard is taken away exactly where it was put."""
    assert unguard(guard(cell)) == cell
    assert not guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    "cell", ["", "Otto-Hahn-Gymnasium", "ohg", "50", "0", "31.07.2028", "2028-07-31", "'n Haus"]
)
def test_what_spreadsheets_leave_alone_is_not_guarded(cell: str) -> None:
    """An apostrophe before a number would make it text."""
    assert guard(cell) == cell
    assert unguard(cell) == cell


@pytest.mark.parametrize("cell", ["0123", "1e5", "1/2", "12:30", "1234567890123456", "10-2", "1.5", "50%"])
def test_what_spreadsheets_would_rewrite_is_guarded(cell: str) -> None:
    """A short code 0123 would come back as 123."""
    assert guard(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "#NAME?",
            "#N/A",
            "#NV",
            "#REF!",
            "#BEZUG!",
            "#VALUE!",
            "#WERT!",
            "#DIV/0!",
            "#ZAHL!",
            "#\u00dcBERLAUF!",
        ),
        *("Err:502", "Fehler:502", "##", "########", " #N/A "),
    ],
)
def test_what_a_spreadsheet_writes_for_an_error_is_refused(cell: str) -> None:
    """In English and German, of LibreOffice and Excel."""
    with pytest.raises(InputError):
        require_value(cell)


@pytest.mark.parametrize("cell", ["", "#", "#1", "#Name?", "#geheim!", "#GEHEIM!", "Err:5", "N/A", "# Haus"])
def test_other_cells_are_no_error(cell: str) -> None:
    """A password may begin with that sign."""
    require_value(cell)

"""The reader of CSV files: numbers and words, explicit headers, and damaged files."""

import csv
import gzip
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.data import MISSING, load_csv, read_csv
from tests.damage import attempt, fuzzed, mangled


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_header_and_labels_in_words(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "length, kind ,width\n1.5,rose,2\n3,iris,-4e1\n\n5,rose,6\n"), target="kind")
    assert table.X.tolist() == [[1.5, 2], [3, -40], [5, 6]]
    assert (table.y.tolist(), str(table.y.dtype), table.classes) == ([1, 0, 1], "int64", ["iris", "rose"])
    assert table.features == ["length", "width"]


def test_a_file_of_numbers_without_a_header(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "1,2,0\n3,4,1\n"), header=False)
    assert (table.X.tolist(), table.y.tolist(), table.features) == ([[1, 2], [3, 4]], [0, 1], ["column 0", "column 1"])
    assert (str(table.X.dtype), table.classes) == ("float64", [])


def test_the_header_may_hold_numbers(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "\n2019,,2021\n4,5,6\n"), "2021")
    assert (table.features, table.X.tolist(), table.y.tolist()) == (["2019", "column 1"], [[4, 5]], [6])


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_byte_order_mark_is_not_part_of_the_first_cell(tmp_path: Path, quote: str) -> None:
    text = f"\ufeff{quote}a{quote};b\n1;2.5\n3;4\n"
    for source in (written(tmp_path, text), io.StringIO(text)):
        table = load_csv(source, target="a", delimiter=";")
        assert (table.X.tolist(), table.y.tolist(), table.features) == ([[2.5], [4]], [1, 3], ["b"])


def test_lines_are_counted_from_the_start_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no value for 'a' on lines 7, 11: fill it in"):
        load_csv(written(tmp_path, 'a,b\n1,2\n\n"3","x\ny"\n5,6\nNA,6\n7,8\n\n7,8\n,2\n'), categorical="b")


def test_categories_become_a_column_for_each_word(tmp_path: Path) -> None:
    path = written(tmp_path, "size,colour,zip,kind\n1,red,10,0\n2,blue,9,1\n3, red,10,1\n")
    table = load_csv(path, categorical=["colour", "zip"])
    assert table.features == ["size", "colour=blue", "colour=red", "zip=9", "zip=10"]
    assert table.X.tolist() == [[1, 0, 1, 0, 1], [2, 1, 0, 1, 0], [3, 0, 1, 0, 1]]
    columns: list[Any] = ["colour", 1, np.int64(1), -3]
    for column in columns:
        assert load_csv(path, categorical=column).features == ["size", "colour=blue", "colour=red", "zip"]


def test_a_categorical_target_becomes_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,3\n2,10\n3,1\n")
    table = load_csv(path, categorical=-1)
    assert (table.y.tolist(), table.classes, load_csv(path).y.tolist()) == ([1, 2, 0], ["1", "3", "10"], [3, 10, 1])
    table = load_csv(written(tmp_path, "1,3+\n2,2\n3,1\n"), categorical=-1, header=False)
    assert (table.y.tolist(), table.classes) == ([2, 1, 0], ["1", "2", "3+"])


def test_dropped_columns_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path, "id,a,note,kind\nx1,1,,0\nx2,2,inf,1\n")
    table = load_csv(path, drop=["id", "note"])
    assert (table.features, table.X.tolist(), table.y.tolist()) == (["a"], [[1], [2]], [0, 1])
    assert load_csv(path, drop=[0, -2]).X.tolist() == [[1], [2]]
    assert load_csv(path, drop=["id", "note"], categorical=["note"]).features == ["a"]
    with pytest.raises(ValueError, match="line 3: 2 cells, but the first line has 3"):
        load_csv(written(tmp_path, "a,b,c\n1,2,3\n1,2\n"), drop=2)


def test_the_words_for_missing_values(tmp_path: Path) -> None:
    path = written(tmp_path, "a,colour,kind\n1,none,0\n-999.0,red,1\n")
    assert load_csv(path, categorical="colour", missing=["NA"]).features == ["a", "colour=none", "colour=red"]
    with pytest.raises(ValueError, match="no value for 'colour' on line 2"):
        load_csv(path, categorical="colour")
    with pytest.raises(ValueError, match="no value for 'a' on line 3"):
        load_csv(path, categorical="colour", missing="-999")
    with pytest.raises(ValueError, match="no value for 'kind' on line 3: fill it in"):
        load_csv(written(tmp_path, "a,kind\n1,rose\n2,Unknown\n3,iris\n"), missing=MISSING | {"unknown"})


@pytest.mark.parametrize("name", ["data.csv.gz", "DATA.CSV.GZ"])
def test_a_gzip_file_is_unpacked(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n"))
    assert load_csv(str(path)).X.tolist() == [[1], [3]]


@pytest.mark.parametrize(
    ("content", "message"), [(b"a,b\n1,2\n", "Not a gzipped file"), (gzip.compress(b"a,b\n" + b"1,2\n" * 9, mtime=0)[:-9], "ended before")]
)
def test_an_invalid_gzip_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "data.csv.gz").write_bytes(content)
    with pytest.raises(ValueError, match=rf"data\.csv\.gz is not a complete gzip file: .*{message}"):
        load_csv(tmp_path / "data.csv.gz")


def test_an_open_file_is_read_from_its_position_and_stays_open(tmp_path: Path) -> None:
    with written(tmp_path, "a remark\na,b\r\n1,2\n3,4\n").open(newline="") as file:
        file.readline()
        assert load_csv(file).X.tolist() == [[1], [3]]
        assert not file.closed
        file.seek(0)
        with pytest.raises(ValueError, match=r"data\.csv, line 2: 2 cells, but the first line has 1: is the delimiter ','\?"):
            load_csv(file)
    for newline in (None, "", "\n"):
        assert load_csv(io.StringIO("1,2\r3,4\r", newline=newline), header=False).X.tolist() == [[1], [3]]
    with pytest.raises(ValueError, match="the open file is empty"):
        load_csv(io.StringIO(""))


def test_other_sources_are_refused(tmp_path: Path) -> None:
    with written(tmp_path, "1,2\n").open("rb") as file, pytest.raises(ValueError, match=r'open it as text, open\(path, encoding="utf-8"\)'):
        load_csv(file)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="load_csv and read_csv read a path or an open text file, got list"):
        load_csv(["1,2"])  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        load_csv(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"header": None}, "header must be True or False, got None"),
        ({"header": False, "target": "a"}, "no single column 'a'; it has no names with header=False: give positions"),
        ({"delimiter": ", "}, "delimiter must be one character, such as"),
        ({"target": 1.0}, "target must be a column's name, or its position in 3 columns, got 1.0"),
        ({"target": -4}, "target must be a column's name, or its position in 3 columns, got -4"),
        ({"target": "d"}, "target: .*data.csv has no single column 'd'; it has the columns 'a', 'b', 'c'"),
        ({"drop": [None]}, "drop must be a column's name, or its position in 3 columns, got None"),
        ({"drop": 9}, "drop must be a column's name, or its position in 3 columns, got 9"),
        ({"categorical": ["a", "z"]}, "no single column 'z'"),
        ({"drop": "c"}, r"data.csv has no target column left"),
        ({"drop": [0, 1]}, r"data.csv has no feature column left$"),
        ({"missing": [-999]}, r'missing must hold strings, such as "NA" or "-999", got \[-999\]'),
    ],
)
def test_errors_say_what_an_argument_must_be(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_csv(written(tmp_path, "a,b,c\n1,2,3\n"), **arguments)


def test_a_column_of_names_is_not_a_category(tmp_path: Path) -> None:
    path = written(tmp_path, "name,kind\n" + "".join(f"n{row},{row % 2}\n" for row in range(1001)))
    with pytest.raises(ValueError, match=r"'name' has more than 1000 different words: drop=\['name'\] leaves the column out"):
        load_csv(path, categorical="name")


def test_a_measured_target_stays_float(tmp_path: Path) -> None:
    y = load_csv(written(tmp_path, "1,2.5\n3,4\n"), header=False).y
    assert (y.tolist(), str(y.dtype)) == ([2.5, 4], "float64")
    assert load_csv(written(tmp_path, "1,1e300\n3,4\n"), header=False).y.dtype == np.float64


@given(st.lists(st.integers(-(2**65), 2**65), min_size=1, max_size=5))
def test_whole_labels_are_read_exactly_or_refused(labels: list[int]) -> None:
    """Python's int is the oracle."""
    text = "".join(f"0.5,{label}\n" for label in labels)
    table, message = attempt(lambda: load_csv(io.StringIO(text), header=False))
    if all(abs(label) < 2**63 for label in labels):
        assert table is not None
        assert (table.y.tolist(), str(table.y.dtype)) == (labels, "int64")
    else:
        assert "a whole number beyond 64 bits: categorical=[1] makes each value a class" in message
        classes = load_csv(io.StringIO(text), header=False, categorical=1)
        assert [int(classes.classes[label]) for label in classes.y] == labels


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", -1, "data.csv is empty"),
        ("\n\n", -1, "data.csv is empty"),
        ("a,b\n\n\n", "b", "data.csv has no rows below its header"),
        ("a,a\n1,2\n", "a", "no single column 'a'"),
        ("a;b\n1;2\n", -1, "no feature column left: is the delimiter ','\\?"),
        ("a,b\n1,2\n3\n", -1, "line 3: 1 cells, but the first line has 2"),
        ("a,b\n1,2\n\n3,4,5\n", -1, "line 4: 3 cells, but the first line has 2"),
        ("a,b\n1,2\nx,4\n", -1, r"line 3: 'a' is 'x', not a finite number: .* categorical=\['a'\] makes .*, drop=\['a'\] leaves"),
        ("a,b\n1,2\n3,x\n", -1, r"line 3: 'b' is 'x', not a finite number, unlike other lines: categorical=\['b'\] makes each value a"),
        ("a,b\n1,2\n3,inf\n", -1, "line 3: 'b' is 'inf', not a finite number"),
        ("a,b\n1_0,2\n", "b", "line 2: 'a' is '1_0', not a finite number"),
        ("a,b\n٣,2\n", "b", "line 2: 'a' is '٣', not a finite number"),
        ("a,b\n1,2\n1e999,4\n", -1, "line 3: 'a' is '1e999', not a finite number"),
        ("a,b\n1,2\n,4\nNA,5\n6,?\n", "b", "no value for 'a' on lines 3, 4; for 'b' on line 5: fill it in, or remove the lines"),
        ("a,b\n1,2\n6,?\n", "b", "no value for 'b' on line 3"),
        ("a,b\n" + "nan,1\n" * 11, "b", "on lines 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"),
        (b"\xff\xfe1,2\n", -1, "not a CSV file in UTF-8"),
        ('a,b\n"1,2\n', -1, "not a CSV file in UTF-8: unexpected end of data"),
        ("a,b\n" + "1" * 5000 + ",2\n", -1, "line 2: 'a' is '1{60}', not a finite number"),
        ("1" * 200_000 + ",2\n", -1, "not a CSV file in UTF-8: field larger than field limit"),
    ],
)
def test_errors_name_the_line_and_the_column(tmp_path: Path, text: str | bytes, target: str | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_csv(written(tmp_path, text), target)


def test_without_names_errors_give_positions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2: 'column 1' is 'x', .* categorical=\[1\] makes a column of each, drop=\[1\] leaves"):
        load_csv(written(tmp_path, "1,2\n3,x\n"), 0, header=False)


def test_raw_columns_and_missing_values(tmp_path: Path) -> None:
    path = written(tmp_path, "size,colour,kind\n1.5,,cat\nNA,red,dog\n4,blue,cat\n")
    X, y = read_csv(path)
    np.testing.assert_array_equal(X["size"], [1.5, np.nan, 4.0])
    assert (X["colour"].tolist(), y.tolist()) == ([None, "red", "blue"], ["cat", "dog", "cat"])
    X, y = read_csv(path, dropna=True)
    assert ({name: column.tolist() for name, column in X.items()}, y.tolist()) == ({"size": [4.0], "colour": ["blue"]}, ["cat"])
    assert load_csv(path, categorical="colour", dropna=True).X.tolist() == [[4.0, 1.0]]
    assert read_csv(written(tmp_path, "a,b\n1,2\n2,3\n"))[1].dtype == np.int64
    with pytest.raises(ValueError, match="no value for 'kind' on line 3: fill it in, or remove the lines, which dropna=True does"):
        read_csv(written(tmp_path, "a,kind\n1,cat\n2,\n"))
    with pytest.raises(ValueError, match="has no row without a missing value"):
        read_csv(written(tmp_path, "a,kind\n1,\n,cat\n"), dropna=True)
    with pytest.raises(ValueError, match=r"has 2 columns 'a': rename one of them in the file, or drop one by position: drop=1$"):
        read_csv(written(tmp_path, "a,a,kind\n1,2,3\n"))
    assert read_csv(written(tmp_path, "a,a,kind\n1,2,3\n"), drop=1)[0]["a"].tolist() == [1.0]


def test_an_index_is_no_feature(tmp_path: Path) -> None:
    for name, first in (("", 0), ("", 1), ("Unnamed: 0", 0)):
        path = written(tmp_path, f"{name},a,kind\n{first},5,0\n{first + 1},6,1\n")
        for read in (load_csv, read_csv):
            with pytest.raises(ValueError, match=rf"the first column, '{name}', holds running numbers: .* drop=0 leaves"):
                read(path)
        assert load_csv(path, drop=0).features == ["a"]
        assert list(read_csv(path, drop=0)[0]) == ["a"]
    assert load_csv(written(tmp_path, ",a,kind\n5,5,0\n7,6,1\n")).features == ["column 0", "a"]


def test_errors_name_all_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,d\n1,x,y,0\n2,z,3,1\n")
    message = r"line 2: 'b' is 'x'; line 2: 'c' is 'y', not a finite number: for words, categorical=\['b', 'c'\] makes"
    with pytest.raises(ValueError, match=message):
        load_csv(path)
    with pytest.raises(ValueError, match="no value for 'a' on lines 2, 3; for 'c' on line 2: fill it in"):
        load_csv(written(tmp_path, "a,b,c,d\n,1,,0\n,1,2,0\n"))


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    cells = st.one_of(st.floats().map(str), st.text("ab1,;\"'\n\0é", max_size=4), st.sampled_from(["", "NA", "1", "-0", "1_0", "0x1"]))
    text = "\n".join(",".join(row) for row in draw(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5)))
    return mangled(draw, text.encode() or b"1")


@fuzzed
@given(content=csv_bytes(), target=st.sampled_from([-1, 0, 1, "a", ""]), header=st.booleans())
def test_any_bytes_are_a_table_of_finite_numbers_or_refused(tmp_path: Path, content: bytes, target: str | int, header: bool) -> None:
    path = written(tmp_path, content)
    table, message = attempt(lambda: load_csv(path, target, header=header))
    if table is None:
        assert "data.csv" in message or message.startswith("target must be a column's name")
    else:
        assert np.isfinite(table.X).all()
        assert np.isfinite(table.y).all()
        assert table.X.shape == (len(table.y), len(table.features))
    assert path.read_bytes() == content


CELLS = ["1", "-0.5", "1e3", " 7 ", '"8"', '"9\n"', "rose", '"ro\nse"', '"a""b"']
CELLS += ['5"', '"', "NA", "", '""', "inf", "1e999", "1_0", "٣", "0x1", "1d3", "1j", "+4", ".5", "#1", "\\"]
CELLS += ["1\x00", "1\x1c", "\x0b3", "\t2", "\u20282", "1\x85"]


@st.composite
def csv_texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text that is nearly a CSV file, and its delimiter."""
    delimiter, newline = draw(st.sampled_from(",;\t ")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    cells = st.sampled_from(CELLS[: draw(st.sampled_from([5, 9, len(CELLS)]))])
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8))
    lines = [delimiter.join(row) for row in rows] + draw(st.lists(st.sampled_from(["", " ", '""', "1"]), max_size=1))
    return newline.join(lines) + draw(st.sampled_from(["", newline])), delimiter


def read_by_csv(text: str, delimiter: str, header: bool) -> tuple[list[list[float]], list[float] | list[str]]:
    """What load_csv should read, cell by cell. Raises ValueError or csv.Error where it should refuse."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    lengths = {len(row) for row in rows}
    rows = rows[header:]
    if len(lengths) != 1 or lengths == {1} or not rows or any(cell.lower() in MISSING for row in rows for cell in row):
        raise ValueError

    def number(cell: str) -> float:
        if not cell.isascii() or "_" in cell:
            raise ValueError
        return float(cell)

    def finite(cell: str) -> float:
        if not math.isfinite(number(cell)):
            raise ValueError
        return number(cell)

    X = [[finite(cell) for cell in row[:-1]] for row in rows]
    labels = [row[-1] for row in rows]
    are_words = all(attempt(lambda cell=cell: number(cell))[0] is None for cell in labels)  # type: ignore[misc]
    return X, labels if are_words else [finite(cell) for cell in labels]


@settings(fuzzed, max_examples=100)
@given(csv_texts(), st.booleans())
def test_it_reads_what_csv_reads(file: tuple[str, str], header: bool) -> None:
    """The standard library's csv is the oracle."""
    text, delimiter = file
    table, message = attempt(lambda: load_csv(io.StringIO(text, newline=""), delimiter=delimiter, header=header))
    try:
        X, labels = read_by_csv(text, delimiter, header)
    except (ValueError, csv.Error):
        assert table is None
    else:
        assert table is not None, message
        assert table.X.tolist() == X
        assert [table.classes[label] for label in table.y] == labels if table.classes else table.y.tolist() == labels

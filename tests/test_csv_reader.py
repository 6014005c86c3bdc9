"""The reader of CSV files: numbers and words, headers of every kind, and files that lie."""

import csv
import gzip
import io
import math
import tracemalloc
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.data import MISSING, csv_reader, load_csv
from tests.damage import attempt, fuzzed, mangled


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def words_in(text: str, columns: int) -> list[int]:
    """The features that hold a word below the first line."""
    rows = [row.split(",") for row in text.split()[1:]]
    return [column for column in range(columns - 1) if any(row[column].isalpha() for row in rows)]


def test_load_csv_reads_a_header_and_labels_in_words(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "length, kind ,width\n1.5,rose,2\n3,iris,-4e1\n\n5,rose,6\n"), target="kind")
    assert table.X.tolist() == [[1.5, 2], [3, -40], [5, 6]]
    assert (table.y.tolist(), str(table.y.dtype), table.classes) == ([1, 0, 1], "int64", ["iris", "rose"])
    assert table.features == ["length", "width"]


def test_load_csv_reads_a_file_of_numbers_alone(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "1,2,0\n3,4,1\n"))
    assert (table.X.tolist(), table.y.tolist(), table.features) == ([[1, 2], [3, 4]], [0, 1], ["column 0", "column 1"])
    assert (str(table.X.dtype), table.classes, table.header) == ("float64", [], False)


def test_load_csv_passes_over_a_byte_order_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = load_csv(written(tmp_path, "\ufeff1;2.5\n3;4\n"), target=0, delimiter=";")
    assert (table.X.tolist(), table.y.tolist(), table.header) == ([[2.5], [4]], [1, 3], False)
    monkeypatch.setattr(csv_reader, "PIECE", 1)
    with pytest.raises(ValueError, match=r"line 2: 'column 0' is '\\ufeff3', not a finite number"):
        load_csv(written(tmp_path, "1,2\n\ufeff3,4\n"))


def test_lines_are_counted_from_the_start_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for piece in (1, 9, 1000):
        monkeypatch.setattr(csv_reader, "PIECE", piece)
        with pytest.raises(ValueError, match="no value for 'a' on lines 7, 11: fill it in"):
            load_csv(written(tmp_path, 'a,b\n1,2\n\n"3","x\ny"\n5,6\nNA,6\n7,8\n\n7,8\n,2\n'), categorical="b")


HEADERS = [  # the text, and why its first line is the header
    ("a,b,kind\n1,2,0\n3,4,1\n", "'a' stands over numbers"),
    ("2019,2020,kind\n1.5,2,0\n3,4,1\n", "'kind' stands over numbers"),
    (",a,kind\n0,5,rose\n1,6,iris\n", "'a' stands over numbers"),
    ("colour,kind\nred,rose\nblue,iris\n", "none of its cells is a number"),
    ("a,kind\n1,rose\nx,iris\n", "none of its cells is a number"),
    ("2019,2020,kind\n1,2,rose\n3,4,iris\n5,6,rose\n7,8,iris\n", "its numbers ascend, and 'kind' is none of the words below it"),
    ("0,1,2,3\n0.5,1.5,2.5,0\n3.5,4.5,5.5,1\n", "its numbers count 0, 1, 2, as names of columns do"),
    ("0,1,2,3\n5,3,1,0\n4,2,2,1\n", "its numbers count 0, 1, 2"),
    ("2019,2020,2021\n1.5,2.5,1\n3.5,4.0,0\n", "its numbers count 2019, 2020, 2021"),
    ("0,1\n0.5,1\n0.0,0\n", "its numbers count 0, 1, as names of columns do"),
    (",0,1\n0,5,3\n1,2,8\n", "its numbers count from 0, and its first cell is empty over the numbers of the rows"),
]
EXAMPLES = [  # the text, and why its first line is an example
    ("5.1,3.5,setosa\n4.9,3.0,virginica\n", "its cells are like those below it"),
    ("5,3,setosa\n6,4,setosa\n7,5,virginica\n", "'setosa' recurs below it"),
    ("5,6,setosa\n6,4,iris\n7,5,virginica\n", "its cells are like"),  # words that do not recur: not classes seen in full
    ("6,5,setosa\n6,4,iris\n7,5,iris\n", "its cells are like"),  # the numbers do not ascend
    ("5,setosa\n6,iris\n7,iris\n", "its cells are like"),  # one number ascends by itself
    ("5.0,6.0,setosa\n6,4,iris\n7,5,iris\n", "its cells are like"),
    ("red,rose\nblue,iris\nred,iris\n", "'red' recurs below it"),
    ("0,0,0\n0,1,1\n1,0,1\n1,1,0\n", "its cells are like"),
    ("0,1\n1,0\n", "its cells are like"),
    ("0,1\n0.5,1\n1,0\n", "its cells are like"),  # another whole number stands below the first
    ("3,4\n2.5,7\n", "its cells are like"),
    ("0,1,2,3\n1,2,3,4\n2,3,4,5\n", "its cells are like"),  # the next number of a sequence
    ("1,2,3\n4,5,6\n", "its cells are like"),
    ("0,1,2\n", "its cells are like"),
    ("2019,2021,2022\n1.5,2.5,1\n", "its cells are like"),
    ("0.0,1.0,2.0\n1.5,2.5,1\n", "its cells are like"),
    ("-1,0,1\n1.5,2.5,1\n", "its cells are like"),
]


@pytest.mark.parametrize(("text", "why", "is_header"), [(*each, True) for each in HEADERS] + [(*each, False) for each in EXAMPLES])
def test_the_header_is_decided_from_all_columns_and_said(tmp_path: Path, text: str, why: str, is_header: bool) -> None:
    columns = text.split("\n")[0].count(",") + 1
    table = load_csv(written(tmp_path, text), categorical=words_in(text, columns))
    role = "the header" if is_header else "an example"
    assert table.header is is_header
    assert table.because.startswith(f"line 1 is {role}: {why}")
    assert table.because.endswith(f"; header={not is_header} says otherwise")
    assert len(table.y) == text.count("\n") - is_header


@pytest.mark.parametrize("text", [text for text, _ in HEADERS + EXAMPLES if text[0] != "," and not any(map(str.isalpha, text))])
def test_what_is_said_of_the_header_holds(tmp_path: Path, text: str) -> None:
    rows = [row.split(",") for row in text.split()]
    path = written(tmp_path, text)
    table = load_csv(path, header=False)
    assert (table.header, len(table.y), table.because) == (False, len(rows), "line 1 is an example: header=False says so")
    if len(rows) > 1:
        table = load_csv(path, header=True)
        assert (table.header, len(table.y), table.features) == (True, len(rows) - 1, rows[0][:-1])
        assert table.because == "line 1 is the header: header=True says so"


def test_a_name_in_an_argument_tells_of_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, "\n1,2,3\n4,5,6\n")
    table = load_csv(path, "2")
    assert (table.features, table.X.tolist(), table.because) == (["1", "3"], [[4, 6]], "line 2 is the header: target='2' is a name")
    assert load_csv(path, drop=["1"]).because == "line 2 is the header: drop='1' is a name"
    with pytest.raises(ValueError, match="header=False leaves no names for categorical='1': give the column's position, from 0"):
        load_csv(path, categorical="1", header=False)


def test_a_column_without_a_name_is_called_by_its_position(tmp_path: Path) -> None:
    assert load_csv(written(tmp_path, ",a,b\n0,1,2\n1,2,3\n")).features == ["column 0", "a"]


def test_the_header_may_be_longer_than_what_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "PIECE", 3)
    table = load_csv(written(tmp_path, "\n\nlength,kind\n\n\n1,rose\n2,iris\n"))
    assert (table.features, table.X.tolist(), table.classes) == (["length"], [[1], [2]], ["iris", "rose"])
    assert table.because == "line 3 is the header: 'length' stands over numbers; header=False says otherwise"


def test_categories_become_a_column_for_each_word(tmp_path: Path) -> None:
    path = written(tmp_path, "size,colour,zip,kind\n1,red,10,0\n2,blue,9,1\n3, red,10,1\n")
    table = load_csv(path, categorical=["colour", "zip"])
    assert table.features == ["size", "colour=blue", "colour=red", "zip=9", "zip=10"]
    assert table.X.tolist() == [[1, 0, 1, 0, 1], [2, 1, 0, 1, 0], [3, 0, 1, 0, 1]]
    assert load_csv(path, categorical="colour").features == ["size", "colour=blue", "colour=red", "zip"]
    assert load_csv(path, categorical=1).features == ["size", "colour=blue", "colour=red", "zip"]


def test_a_target_that_is_categorical_becomes_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "1,3\n2,10\n3,1\n")
    table = load_csv(path, categorical=-1)
    assert (table.y.tolist(), table.classes, load_csv(path).y.tolist()) == ([1, 2, 0], ["1", "3", "10"], [3, 10, 1])
    table = load_csv(written(tmp_path, "1,3+\n2,2\n3,1\n"), categorical=-1, header=False)
    assert (table.y.tolist(), table.classes) == ([2, 1, 0], ["1", "2", "3+"])


def test_dropped_columns_are_left_out_whatever_they_hold(tmp_path: Path) -> None:
    path = written(tmp_path, "id,a,note,kind\nx1,1,,0\nx2,2,inf,1\n")
    table = load_csv(path, drop=["id", "note"])
    assert (table.features, table.X.tolist(), table.y.tolist()) == (["a"], [[1], [2]], [0, 1])
    assert load_csv(path, drop=[0, -2]).X.tolist() == [[1], [2]]
    assert load_csv(path, drop=["id", "note"], categorical=["note"]).features == ["a"]
    with pytest.raises(ValueError, match="line 3: 2 cells, but the first line has 3"):
        load_csv(written(tmp_path, "a,b,c\n1,2,3\n1,2\n"), drop=2)


def test_what_is_missing_can_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a,colour,kind\n1,none,0\n-999.0,red,1\n")
    table = load_csv(path, categorical="colour", missing=["NA"])
    assert table.features == ["a", "colour=none", "colour=red"]
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
def test_a_gzip_file_that_is_none_or_cut_off_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "data.csv.gz").write_bytes(content)
    with pytest.raises(ValueError, match=rf"data\.csv\.gz is not a whole gzip file: .*{message}"):
        load_csv(tmp_path / "data.csv.gz")


def test_an_open_file_is_read_from_where_it_stands_and_stays_open(tmp_path: Path) -> None:
    with written(tmp_path, "a remark\na,b\r\n1,2\n3,4\n").open(newline="") as file:
        file.readline()
        assert load_csv(file).X.tolist() == [[1], [3]]
        assert not file.closed
        file.seek(0)
        with pytest.raises(ValueError, match=r"data\.csv, line 2: 2 cells, but the first line has 1"):
            load_csv(file)
    assert load_csv(io.StringIO("1,2\r3,4\r", newline="")).X.tolist() == [[1], [3]]
    with pytest.raises(ValueError, match="the open file is empty"):
        load_csv(io.StringIO(""))


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    with written(tmp_path, "1,2\n").open("rb") as file, pytest.raises(ValueError, match=r'open it as text, open\(path, encoding="utf-8"\)'):
        load_csv(file)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="load_csv reads a path or an open text file, got list"):
        load_csv(["1,2"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"header": 0}, "header is True, False, or None to find out, got 0"),
        ({"delimiter": ", "}, "delimiter is one character, such as ',' or ';' or '\\\\t', got ', '".replace("'", "[\"']")),
        ({"delimiter": ""}, "delimiter is one character"),
        ({"target": 1.0}, "target gives a column by its name or its position, got 1.0"),
        ({"target": True}, "target gives a column by its name or its position, got True"),
        ({"drop": [None]}, "drop gives a column by its name or its position, got None"),
        ({"drop": 9}, "no column 9: it has 3"),
        ({"drop": "z"}, "no single column 'z'"),
        ({"categorical": ["a", "z"]}, "no single column 'z'"),
        ({"drop": "c"}, r"drop=\['c'\] leaves .*data.csv no target"),
        ({"drop": [0, 1]}, r"drop=\[0, 1\] leaves .*data.csv no feature"),
        ({"missing": [-999]}, r'missing holds words, such as "NA" or "-999", got \[-999\]'),
    ],
)
def test_load_csv_says_what_an_argument_must_be(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_csv(written(tmp_path, "a,b,c\n1,2,3\n"), **arguments)


def test_a_column_of_names_is_no_category(tmp_path: Path) -> None:
    path = written(tmp_path, "name,kind\n" + "".join(f"n{row},{row % 2}\n" for row in range(1001)))
    with pytest.raises(ValueError, match=r"'name' has more than 1000 different words, too many columns: drop=\['name'\] leaves it out"):
        load_csv(path, categorical="name")


def test_a_quoted_cell_may_hold_lines_delimiters_and_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'a,kind\n"1","a ""rose"""\n2,"iris,\r\nblue"\n3," 5"" pipe "\n'
    for piece in (1, 7, 22, 1000):
        monkeypatch.setattr(csv_reader, "PIECE", piece)
        table = load_csv(written(tmp_path, text))
        assert (table.X.tolist(), table.classes) == ([[1], [2], [3]], ['5" pipe', 'a "rose"', "iris,\nblue"])


def test_a_large_file_takes_little_memory_beside_its_table(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,d,kind\n" + "1.25,2.5,-3.75,4.0,rose\n2.25,3.5,-4.75,5.0,iris\n" * 50_000)
    tracemalloc.start()
    try:
        table = load_csv(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * (table.X.nbytes + table.y.nbytes) + 12_000_000, "the text alone, cell by cell, would take 40 MB"


def test_load_csv_keeps_a_target_that_is_measured(tmp_path: Path) -> None:
    y = load_csv(written(tmp_path, "1,2.5\n3,4\n")).y
    assert (y.tolist(), str(y.dtype)) == ([2.5, 4], "float64")
    assert load_csv(written(tmp_path, "1,1e300\n3,4\n")).y.dtype == np.float64


def test_labels_of_many_digits_stay_apart_or_are_refused(tmp_path: Path) -> None:
    """Python's int is the reference: 2**53 + 1 is no float64."""
    labels = [2**53, 2**53 + 2, 2**62, -(2**60), 7]
    y = load_csv(written(tmp_path, "".join(f"1,{label}\n" for label in labels))).y
    assert (y.tolist(), str(y.dtype)) == (labels, "int64")
    path = written(tmp_path, f"a,b\n1,{2**53}\n2,{2**53 + 1}\n")
    with pytest.raises(ValueError, match=r"line 3: 'b' is '9007199254740993', a whole number with more .* categorical=\['b'\] makes"):
        load_csv(path)
    table = load_csv(path, categorical=["b"])
    assert (table.y.tolist(), table.classes) == ([0, 1], ["9007199254740992", "9007199254740993"])


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=5))
def test_whole_labels_are_read_exactly_or_refused(labels: list[int]) -> None:
    table, message = attempt(lambda: load_csv(io.StringIO("".join(f"0.5,{label}\n" for label in labels)), header=False))
    assert ("more digits than float64 holds" in message) == any(int(float(label)) != label for label in labels)
    assert table is None or table.y.tolist() == labels


@pytest.mark.parametrize("marks", range(4))
def test_byte_order_marks_are_no_part_of_the_first_cell(tmp_path: Path, marks: int) -> None:
    table = load_csv(written(tmp_path, "\ufeff" * marks + "1.5,0\n2.5,1\n"))
    assert (table.X.tolist(), table.header) == ([[1.5], [2.5]], False)


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", -1, "data.csv is empty"),
        ("\n\n", -1, "data.csv is empty"),
        ("a,b\n", "b", r"no rows below its header \(line 1 is the header: target='b' is a name\)"),
        ("a,b\n\n\n", -1, r"no rows below its header \(line 1 is the header: none of its cells is a number; header=False says"),
        ("a,b\n1,2\n", "c", "no single column 'c': its first line has 'a', 'b'"),
        ("a,a\n1,2\n", "a", "no single column 'a'"),
        ("1,2\n", 2, "no column 2: it has 2"),
        ("1,2\n", -3, "no column -3: it has 2"),
        ("a;b\n1;2\n", "b", "no single column 'b': its first line has 'a;b'; if ';' parts its cells, write delimiter=';'"),
        ("a\tb\n1\t2\n", "b", r"no single column 'b': its first line has 'a\\tb'; if '\\t' parts its cells, write delimiter='\\t'"),
        ("a;b\n1,5;2\n", "b", "line 2: 2 cells, but the first line has 1; if ';' parts its cells, write delimiter=';'"),
        ("a;b\n1;2\n", -1, "one column only, nothing to predict the target from: is the delimiter ','\\?"),
        ("a,b\n1,2\n3\n", -1, "line 3: 1 cells, but the first line has 2"),
        ("a,b\n1,2\n\n3,4,5\n", -1, "line 4: 3 cells, but the first line has 2"),
        (
            "a,b\n1,2\nx,4\n",
            -1,
            r"line 3: 'a' is 'x', not a finite number: .* categorical=\['a'\] makes a column of each, drop=\['a'\] leav",
        ),
        ("1,2\n3,x\n2,x\n", 0, r"line 2: 'column 1' is 'x', .* categorical=\[1\] .*\(line 1 is an example: its cells .*; header=True says"),
        ("a,b\n1,2\nx,4\n", -1, r"\(line 1 is the header: 'b' stands over numbers; header=False says otherwise\)"),
        ("a,b\n1,2\n3,x\n", -1, r"line 3: 'b' is 'x', not a number, as the target is on other lines: categorical=\['b'\] makes each of"),
        ("a,b\n1,2\n3,inf\n", -1, "line 3: 'b' is 'inf', not a finite number"),
        ("a,b\n1_0,2\n", "b", "line 2: 'a' is '1_0', not a finite number"),
        ("a,b\n" + "1,x\n" * 1001 + "1,7\n", -1, r"line 1003: 'b' is '7', a number among words: categorical=\['b'\] makes each"),
        ("a,b\n1,2\n1e999,4\n", -1, "line 3: 'a' is '1e999', not a finite number"),
        ("a,b\n1,2\n,4\nNA,5\n6,?\n", "b", "no value for 'a' on lines 3, 4: fill it in or remove the lines"),
        ("a,b\n1,2\n6,?\n", "b", "no value for 'b' on line 3"),
        (",1\n2,3\n", -1, "no value for 'column 0' on line 1"),
        ("a,b\n" + "nan,1\n" * 11, "b", "on lines 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"),
        (b"\xff\xfe1,2\n", -1, "not a CSV file in UTF-8"),
        ('a,b\n"1,2\n', -1, "not a CSV file in UTF-8: unexpected end of data \\(line 2\\)"),
        ("1" * 5000 + ",2\n1,2\n", -1, "line 1: 'column 0' is '1{60}', not a finite number"),
        ("1" * 200_000 + ",2\n", -1, "not a CSV file in UTF-8: field larger than field limit"),
    ],
)
def test_load_csv_says_what_is_wrong_and_on_which_line(tmp_path: Path, text: str | bytes, target: str | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_csv(written(tmp_path, text), target)


def test_load_csv_says_where_numpy_should_ever_read_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "loadtxt", lambda *_, **__: np.zeros((1, 7)))
    with pytest.raises(ValueError, match=r"data\.csv: numpy does not read some of its lines as csv does: 7 columns"):
        load_csv(written(tmp_path, "1,2\n"))


def test_load_csv_of_no_file_raises_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        load_csv(tmp_path / "none.csv")


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    cells = st.one_of(st.floats().map(str), st.text("ab1,;\"'\n\0é", max_size=4), st.sampled_from(["", "NA", "1", "-0", "1_0", "0x1"]))
    text = "\n".join(",".join(row) for row in draw(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5)))
    return mangled(draw, text.encode() or b"1")


@fuzzed
@given(content=csv_bytes(), target=st.sampled_from([-1, 0, 1, "a", ""]))
def test_any_bytes_are_a_table_of_finite_numbers_or_refused(tmp_path: Path, content: bytes, target: str | int) -> None:
    path = written(tmp_path, content)
    table, message = attempt(lambda: load_csv(path, target))
    if table is None:
        assert "data.csv" in message
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
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    lengths = {len(row) for row in rows}
    rows = rows[header:]
    if len(lengths) != 1 or lengths == {1} or not rows or any(cell.lower() in MISSING for row in rows for cell in row):
        raise ValueError

    def number(cell: str) -> float:
        if not cell.isascii() or "_" in cell:
            raise ValueError
        return float(cell)

    def is_word(cell: str) -> bool:
        return attempt(lambda: number(cell))[0] is None

    def finite(cell: str) -> float:
        if not math.isfinite(number(cell)):
            raise ValueError
        return number(cell)

    X = [[finite(cell) for cell in row[:-1]] for row in rows]
    labels = [row[-1] for row in rows]
    return X, labels if all(map(is_word, labels)) else [finite(cell) for cell in labels]


@settings(fuzzed, max_examples=500)
@given(csv_texts(), st.booleans(), st.sampled_from([1, 5, 20, 1000]), st.sampled_from(["", None]))
def test_numpy_and_csv_read_the_same(file: tuple[str, str], header: bool, piece: int, newline: str | None) -> None:
    text, delimiter = file
    with mock.patch.object(csv_reader, "PIECE", piece), mock.patch.object(csv_reader, "SAMPLE", 3):
        table, message = attempt(lambda: load_csv(io.StringIO(text, newline=newline), delimiter=delimiter, header=header))
    try:
        X, labels = read_by_csv(text, delimiter, header)
    except (ValueError, csv.Error):
        assert table is None
        assert "numpy" not in message, "every fault has a line and a reason"
    else:
        assert table is not None, message
        assert table.X.tolist() == X
        assert [table.classes[label] for label in table.y] == labels if table.classes else table.y.tolist() == labels

"""Problems of benchmarks in texts: what is found however it is written, and what is not. All are invented."""

import gzip
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.quality.benchmark_files import Problem, read_problems
from gleanery.quality.benchmarks import COMMON, Benchmark, Finder, Found, said
from gleanery.quality.word_reader import words_of
from gleanery.records.errors import StopRun

PROBLEM = '''def widest_gap(heights: list[float], floor: float = 0.5) -> float:
    """Return the widest gap between two neighbouring heights that both rise above the floor\\n.
    Gaps at the “edges” 😀 of the café's list never count; nor does Ωmega.

    >>> widest_gap([1.5, 0.2, 3.0], 0.25)
    1.5
    """
'''
FINDER = Finder([Benchmark("gaps", 13, [Problem("G/1", (PROBLEM,))])])
# One blank is enough for a loop, a table or an alphabet to be written alike by anybody.
EVERYBODY_WRITES = """
for i in range(0, n):
    for j in range(i + 1, n):
        for k in range(j + 1, n):
            if a[i] + a[j] + a[k] == 0: count = count + 1
letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"]
table = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
assert check(1) == 1 and check(2) == 2 and check(3) == 3 and check(4) == 4 and check(5) == 5
"""


def as_notebook(text: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": text.splitlines(keepends=True)}]}, indent=1)


@pytest.mark.parametrize(
    "text",
    [
        PROBLEM,
        PROBLEM.replace("    ", "\t\t"),
        PROBLEM.replace("\n", "\r\n").upper(),
        "\n".join(f"    # {line}" for line in PROBLEM.splitlines()),
        f"# {' '.join(PROBLEM.split())}",
        PROBLEM.replace('"""', "'''").replace("“", '"').replace("”", '"'),
        json.dumps({"task_id": "G/1", "prompt": PROBLEM}),
        json.dumps({"task_id": "G/1", "prompt": PROBLEM}, ensure_ascii=False),
        json.dumps(json.dumps({"prompt": PROBLEM})),
        repr(PROBLEM),
        as_notebook(PROBLEM),
        PROBLEM.replace("def widest_gap", "double widestGap"),
    ],
)
def test_a_problem_is_found_however_it_is_written(text: str) -> None:
    before = "import math\n\n\ndef own(value):\n    return math.floor(value)\n\n\n"
    for whole in (text, before + text + before):
        (found,) = FINDER.find(whole.encode())
        assert (found.benchmark, found.problem) == ("gaps", "G/1") and found.words >= 25


@pytest.mark.parametrize(
    "text",
    [
        EVERYBODY_WRITES,
        "def widest_gap(heights): ...  # Return the widest gap between two heights that neighbour above a floor",
        "Gaps at the edges never count.\n" * 20,
        "",
        "\\",
    ],
)
def test_what_is_only_like_a_problem_is_not(text: str) -> None:
    assert FINDER.find(text.encode()) == []


def test_what_everybody_writes_is_not_looked_for() -> None:
    lines = [Problem(str(n), (line,)) for n, line in enumerate(EVERYBODY_WRITES.strip().splitlines()[4:])]
    loops = Problem("loops", (EVERYBODY_WRITES[: EVERYBODY_WRITES.index("letters")],))
    finder = Finder([Benchmark("plain", 13, [*lines, loops])])
    assert {problem.runs for problem in finder.problems} == {0}
    assert finder.find(EVERYBODY_WRITES.encode()) == []


def test_too_short_a_problem_is_not_looked_for_and_is_named() -> None:
    short = Problem("S", ("Return the sum of two numbers that were given as words.",))
    finder = Finder([Benchmark("short", 13, [short, Problem("empty", ("",))])])
    assert [(problem.problem, problem.runs) for problem in finder.problems] == [("S", 0), ("empty", 0)]
    assert finder.find(short.texts[0].encode() * 2) == []
    (found,) = Finder([Benchmark("short", 10, [short])]).find(short.texts[0].encode())
    assert found == Found("short", "S", 1, 1, 11)


def test_what_a_benchmark_says_in_every_problem_tells_nothing() -> None:
    frame = "You are given a list of words and a whole number. Write a function that solves this task: "
    own = [
        f"Sort fruit{n} by ripeness, then weigh each basket of fruit{n} and tell which ladder reached it."
        for n in range(99)
    ]
    many = [Problem(str(n), (frame + text,)) for n, text in enumerate(own)]
    finder = Finder([Benchmark("framed", 13, many)])
    assert finder.find((frame + "count the lamps.").encode()) == []
    assert [found.problem for found in finder.find(own[7].encode())] == ["7"]
    few = Finder([Benchmark("framed", 13, many[:COMMON])])
    assert len(few.find((frame + "count the lamps.").encode())) == COMMON


def test_the_lines_of_the_longest_stretch_are_told() -> None:
    whole = "every orchard keeps one patient gardener who counts fallen pears before breakfast and sings"
    words, problem = whole.split(), Problem("p", (whole,))
    finder = Finder([Benchmark("b", 8, [problem]), Benchmark("c", 9, [problem])])
    text = f"x\r{' '.join(words[:8])}\r\n\n" + "".join(f"# {word}\n" for word in words) + "end\n"
    # A run counts where it first stands: that of the first eight words in line 2.
    assert finder.find(text.encode()) == [Found("b", "p", 5, 17, 13), Found("c", "p", 4, 17, 14)]


def test_a_decision_names_some_problems_and_counts_the_others() -> None:
    found = [Found("b", str(n), n, n + n % 2, 20) for n in range(1, 6)]
    assert said(found) == (
        "lines 1 to 2 have 20 words in a row of b, problem 1",
        "line 2 has 20 words in a row of b, problem 2",
        "lines 3 to 4 have 20 words in a row of b, problem 3",
        "2 more problems of b",
    )


_GAPS = st.text(" \t\r\n.,;:()[]{}'\"`#*/+-=<>_\u00a0“”—、", min_size=1, max_size=6)


@given(st.lists(_GAPS, min_size=60, max_size=60), st.booleans(), st.integers(0, 3))
def test_what_stands_between_words_changes_no_answer(gaps: list[str], upper: bool, quoted: int) -> None:
    words = (
        PROBLEM.replace("\\n", " ")
        .replace("_", " ")
        .replace("'", " ")
        .replace("“", "")
        .replace("”", "")
        .replace("😀", "")
        .split()
    )
    text = "".join(gap + word for gap, word in zip(gaps, words, strict=False))
    text = text.upper() if upper else text
    for _ in range(quoted):
        text = json.dumps(text)
    plain, _, _ = words_of(np.frombuffer(" ".join(words).encode(), np.uint8))
    spread, _, _ = words_of(np.frombuffer(text.replace("ΩMEGA", "Ωmega").replace("É", "é").encode(), np.uint8))
    if not upper:  # capitals beyond ASCII count as other letters
        assert np.array_equal(plain, spread)
    assert [found.problem for found in FINDER.find(text.encode())] == ["G/1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"C:\users\ada", "C users ada"),  # no escape: no hexadecimal digits follow
        (r"a \u00dcber \uD83D\ude00 b", "a Über b"),
        (r"\\u4e2d\\u65e5", "中 日"),
    ],
)
def test_escapes_are_the_characters_that_they_stand_for(text: str, words: str) -> None:
    read, meant = (words_of(np.frombuffer(one.encode(), np.uint8))[0] for one in (text, words))
    assert np.array_equal(read, meant)


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("gates, 12 of a b2", [True, False, True, False, True]),
        ("größer naïve снова λόγος", [True] * 4),
        ("中文かな", [True] * 4),  # a sign is a word by itself
        ("a→b😀c–d×e°f", [False] * 6),
        ("snake_case 3.14", [True, True, False, False]),
    ],
)
def test_a_word_is_letters_and_digits_and_tells_something_if_it_has_a_letter_and_is_no_single_one(
    text: str, telling: list[bool]
) -> None:
    prints = words_of(np.frombuffer(text.encode(), np.uint8))[0]
    assert [bool(one & np.uint64(1)) for one in prints] == telling


_WORDS = st.lists(st.sampled_from(["aa", "bb", "cc", "dd", "ee", "f", "7"]), max_size=40)


@given(st.lists(st.tuples(st.sampled_from("123"), _WORDS), min_size=1, max_size=14), _WORDS, st.integers(0, 3))
def test_the_finder_answers_as_the_rule_says(given: list[tuple[str, list[str]]], text: list[str], every: int) -> None:
    length = 4

    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[n : n + length]) for n in range(len(words) - length + 1)}

    problems = [
        Problem(f"{ident}/{n * (n % 4 <= every)}", (" ".join(words),)) for n, (ident, words) in enumerate(given)
    ]
    of_problem: dict[str, set[tuple[str, ...]]] = {}
    for (ident, _), (_, words) in zip(problems, given, strict=True):
        telling = {run for run in runs(words) if len({word for word in run if len(word) > 1}) > length / 2}
        of_problem[ident] = of_problem.get(ident, set()) | telling
    count = Counter(run for found in of_problem.values() for run in found)
    counting = {ident: {run for run in found if count[run] <= COMMON} for ident, found in of_problem.items()}
    finder = Finder([Benchmark("b", length, problems)])
    assert {one.problem: one.runs for one in finder.problems} == {
        ident: len(found) for ident, found in counting.items()
    }
    found = finder.find("\n".join(text).encode())
    assert {one.problem for one in found} == {ident for ident, known in counting.items() if known & runs(text)}
    for one in found:
        stretch = text[one.start_line - 1 : one.end_line]
        assert len(stretch) == one.words and runs(stretch) & counting[one.problem]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_their_end(content: bytes) -> None:
    words, begins, ends = words_of(np.frombuffer(content, np.uint8))
    assert len(words) == len(begins) == len(ends) <= len(content)
    assert (begins < ends).all() and (ends[:-1] <= begins[1:]).all()


@pytest.mark.parametrize(
    "content", [b"\\" * (1 << 20), PROBLEM.encode() * 3000, b"\\u00e9" * (1 << 17), b"a " * (1 << 19)]
)
def test_a_hostile_file_takes_no_longer_than_another(content: bytes) -> None:
    FINDER.find(content[:100])
    begin = time.process_time()
    FINDER.find(content)
    assert time.process_time() - begin < 2


def test_every_form_of_a_file_gives_the_same_problems(tmp_path: Path) -> None:
    rows = [{"task": 1, "text": "eins", "tests": ["a", "b"]}, {"task": 2, "text": None, "tests": []}]
    lines = "\n\n".join(map(json.dumps, rows)).encode("utf-8-sig")
    (tmp_path / "b.jsonl").write_bytes(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.json").write_text(json.dumps(rows), "utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "b.parquet")
    for name in ("b.jsonl", "b.jsonl.gz", "b.json", "b.parquet"):
        found = list(read_problems(tmp_path / name, ("text", "tests"), "task"))
        assert found == [Problem("1", ("eins", "a\nb")), Problem("2", ("", ""))], name
        assert [one.ident for one in read_problems(tmp_path / name, ("text",))] == ["1", "2"]
    (tmp_path / "b.md").write_text("one problem", "utf-8")
    assert list(read_problems(tmp_path / "b.md", ())) == [Problem("1", ("one problem",))]


@pytest.mark.parametrize(
    "name, content, fields, ident, said",
    [
        ("b.jsonl", b'{"text": "a"}\n{"txt": "b"}\n', ("text",), None, "b.jsonl, line 2 has no field 'text'"),
        ("b.jsonl", b'{"text": "a"}\n\n{"text": \n', ("text",), None, "b.jsonl, line 3 is not JSON"),
        ("b.jsonl", b"[" * 100_000, ("text",), None, "b.jsonl, line 1 is not JSON"),
        ("b.jsonl", b'{"text": "\xff"}', ("text",), None, "b.jsonl, line 1 is not UTF-8"),
        ("b.jsonl", b'"text"\n', ("text",), None, "b.jsonl, line 1 is no row with fields"),
        ("b.jsonl", b'{"text": {"a": 1}}', ("text",), None, "line 1: the field 'text' is no text"),
        ("b.jsonl", b'{"text": "a", "id": 1.5}', ("text",), "id", "line 1: the field 'id' is no id"),
        ("b.jsonl", b'{"text": "a", "code": "b"}', (), None, "no fields are named for"),
        ("b.jsonl", b"\n\n", ("text",), None, "holds no problem"),
        ("b.jsonl.gz", b'{"text": "a"}', ("text",), None, "cannot be read"),
        ("b.jsonl.gz", gzip.compress(b'{"text": "a"}' * 99)[:-9], ("text",), None, "cannot be read"),
        ("b.json", b'[{"text": "a"}, {}]', ("text",), None, "b.json, item 2 has no field 'text'"),
        ("b.parquet", b"PAR1", ("text",), None, "cannot be read"),
        ("b.txt", b"a problem", ("text",), None, "has no fields"),
        ("b.txt", b"\xff\xff", (), None, "is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    tmp_path: Path, name: str, content: bytes, fields: tuple[str, ...], ident: str | None, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StopRun) as caught:
        list(read_problems(tmp_path / name, fields, ident))
    assert said in caught.value.message and caught.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="there is no benchmark file"):
        list(read_problems(tmp_path / "absent.jsonl", ("text",)))

"""Metrics: exact on what can be counted by hand, bounded and linear on anything else."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.quality.metrics import EMPTY, measure

TEXTS = st.text(st.one_of(st.sampled_from("ab0 \n\r\t,\\xu=+/é字\x85\x0c\u2028"), st.characters()), max_size=300)

# One number with letters in it, as C and the languages like it write them.
NUMBER = re.compile(
    r"\b(?:0[xX][0-9a-fA-F]+[uUlL]{0,3}|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+[fFlL]?|[fFlLuUdD]{1,3}))\b", re.ASCII
)


@given(TEXTS)
@settings(deadline=None)
def test_lines_and_letters_are_those_counted_one_by_one(text: str) -> None:
    if not text.strip():
        assert measure(text) == EMPTY
        return
    lines, line, previous = [], "", ""
    for character in text:
        if character in "\n\r":
            if not (previous == "\r" and character == "\n"):
                lines.append(line)
            line = ""
        else:
            line += character
        previous = character
    lines += [line] if line else []
    found = measure(text)
    assert (found.lines, found.longest_line) == (len(lines), max(map(len, lines)))
    assert found.mean_line == sum(map(len, lines)) / len(lines)
    letters, dense = sum(c.isalpha() for c in NUMBER.sub("", text)), sum(not c.isspace() for c in text)
    assert found.letter_fraction == letters / dense


@given(TEXTS, st.sampled_from(["", "QUJD" * 40, "0x1f, 0x8b, " * 20, "\\u00e9" * 20]))
@settings(deadline=None)
def test_fractions_are_from_0_to_1(text: str, run: str) -> None:
    found = measure(text + run + text)
    assert 0 <= found.encoded_fraction <= 1 and 0 <= found.letter_fraction <= 1
    assert found.mean_line <= found.longest_line


@pytest.mark.parametrize(
    "text, encoded",
    [
        ("A" * 63, 0),
        ("A" * 64, 64),
        ("x = '" + "QUJDREVG" * 9 + "==';", 74),
        (("QUJDREVG" * 9 + "QUJD\n") * 3 + "QUI=", 3 * 77 + 4),
        (("QUJDREVG" * 9 + "QUJD\r\n") * 3 + "QUI=", 3 * 78 + 4),
        ("".join(f"{w}\n" for w in ["apple", "pear", "plum", "cherry"] * 20), 0),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709\n" * 3, 3 * 41),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709\n", 0),
        (("QUJDREVG" * 4 + "QUJDREV\n") * 4, 0),
        ("0x1f, " * 7, 0),
        ("0x1f, " * 8, 48),
        ("0x1f,0x8b,\n    " * 4, 60),
        ("1f 8b 08 00 00 00 00 03 ", 24),
        ('"' + "\\x1f" * 8 + '"', 32),
        ("\\u00e9" * 7, 0),
        ("\\u00e9" * 8, 48),
        ("the quick brown fox jumps over the lazy dog " * 10, 0),
        ("/usr/share/doc/some-package/examples/a-file.of.some.length/and-so-on " * 3, 0),
    ],
)
def test_encoded_runs_are_found(text: str, encoded: int) -> None:
    assert measure(text).encoded_fraction == encoded / len(text)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("0x8BA0, 0x8BA1,\n0xDEADBEEFul", 0),
        ("0.5f, 1e-5, 2.f, 3UL, 1.5E+10", 0),
        ("{0x1F, int}", 3),
        ("x0x1f 7876af07 3d_face 0b1010", 11),
        ("a 0xé 12", 3),
    ],
)
def test_letters_in_numbers_are_none(text: str, letters: int) -> None:
    assert measure(text).letter_fraction == letters / len("".join(text.split()))


def test_a_table_of_hexadecimal_numbers_has_few_letters() -> None:
    rows = ",\n".join(", ".join(f"0x{n * 7919 % 65536:04X}" for n in range(start, start + 8)) for start in range(99))
    assert measure(f"static const unsigned short table[] = {{\n{rows}\n}};\n").letter_fraction < 0.05


def test_white_space_makes_no_difference_to_letters() -> None:
    boxed = "".join(f"/*{' ' * 70}*/\n{' ' * 40}mov r{n}, r0\n" for n in range(9))
    assert measure(boxed).letter_fraction == measure("".join(boxed.split())).letter_fraction > 0.35
    wide = "\n".join("    ".join(f"{n:6}" for n in range(start, start + 8)) for start in range(99))
    assert measure(f"int a[] = {{ {wide} }};").letter_fraction < 0.05


def test_characters_count_and_not_bytes() -> None:
    text = "字" * 36 + "A" * 64
    assert measure(text).encoded_fraction == 0.64
    assert (measure(text).longest_line, measure(text).letter_fraction) == (100, 1.0)


def test_a_form_feed_ends_no_line() -> None:
    assert measure("int a;\x0c int b;\u2028 int c;\x85\n").lines == 1


def test_a_text_with_lone_surrogates_is_measured() -> None:
    assert measure("a\ud800b").lines == 1


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A" * 63 + " ",
        "ab ",
        "ab " * 7 + "! ",
        "ab" + " " * 99_990,
        "\\u1234" * 7 + " ",
        "0x",
        "\\x",
        "\r",
        "A" * 41 + "\n",
    ]
    + ["A" * 39 + "\n", "é", "\ud800", "00" + "," * 999, "字 "],
)
def test_a_mebibyte_of_anything_is_measured_in_a_moment(piece: str) -> None:
    text = piece * ((1 << 20) // len(piece)) + "x"
    started = time.process_time()
    measure(text)
    assert time.process_time() - started < 1  # 0.01 to 0.15 s here

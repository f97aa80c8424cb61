"""Normal forms: layout, comments and names play no part, and everything else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.dedup.normal_form import LEAST_NAMES, STYLES, forms, style_of

PYTHON = '''# a comment
def area(width, height):
    """The area # not a comment."""
    return width * height  # the product
'''
C = 'int main(void) { /* start */ char *s = "// no comment"; char q = \'"\'; return 0; } // end\n'
WORDS = st.lists(st.sampled_from(["if", "x", "y1", "(", ")", "+", "3.5", "名前", "é", "return", ","]), max_size=60)


def test_comments_and_layout_are_set_aside() -> None:
    bare = 'def area(width,height):"""The area # not a comment."""return width*height'
    assert forms(PYTHON, "hash", 5) == forms(bare, "hash", 5)
    assert forms(C, "slashes", 5).code == 'int main(void){char*s="// no comment";char q=\'"\';return 0;}'
    assert forms("<p>it's <!-- gone --> here</p>", "markup", 1).code == "<p>it's here</p>"
    assert forms("SELECT a -- the first\nFROM b", "dashes", 1).code == "SELECT a FROM b"


def test_strings_and_numbers_are_not() -> None:
    for one, other in (('a = "x  y"', 'a = "x y"'), ("a = 1", "a = 2"), ("ab", "a b"), ("a # b", "a c # b")):
        assert forms(one, "hash", 1).normal != forms(other, "hash", 1).normal


def test_a_hash_inside_a_word_begins_no_comment() -> None:
    assert forms("echo ${#list} $#", "hash", 1).code == "echo${#list}$#"


def test_names_are_replaced_in_the_order_of_their_first_occurrence() -> None:
    text = "def f(a, b):\n" + "".join(f"    x{n} = a + b * {n}\n" for n in range(LEAST_NAMES))
    other = re.sub(r"\b(x\d+|a|b|f)\b", r"\1_other", text)
    swapped = text.replace("a + b", "b + a")
    one, two, three = (forms(t, "hash", 5).renamed for t in (text, other, swapped))
    assert one == two and one != three
    assert forms(text.replace("def", "class"), "hash", 5).renamed != one  # a keyword is no name


def test_what_says_too_little_has_no_digest() -> None:
    assert forms("x = 1", "hash", 5).normal == b"" and forms("", "none", 1).normal == b""
    assert forms("# only a comment, of many words, and nothing else", "hash", 5).normal == b""
    assert forms("a b c d e", "none", 5).normal != b"" and forms("a b c d e", "none", 5).renamed == b""


@given(WORDS, st.sampled_from(sorted(STYLES)), st.lists(st.sampled_from([" ", "\n", "\t", "\r\n\n"]), min_size=60))
def test_white_space_between_tokens_plays_no_part(words: list[str], style: str, gaps: list[str]) -> None:
    assert forms(" ".join(words), style, 1) == forms(
        "".join(w + g for w, g in zip(words, gaps, strict=False)), style, 1
    )


@given(st.text(), st.sampled_from(sorted(STYLES)))
def test_no_text_breaks_it_and_nothing_is_added(text: str, style: str) -> None:
    found = forms(text, style, 1)
    rest = iter(text)
    assert all(character in rest for character in found.code.replace(" ", ""))  # in this order
    plain = forms(text, "none", 1).code
    assert forms(plain, "none", 1).code == plain


@pytest.mark.parametrize("text", ['"' * 9, "/*", "<!--", "'''", "`", "\\", '"\\', "#", "//", "\x00\x01", "\ud800"])
def test_texts_that_end_too_early_are_safe(text: str) -> None:
    for style in STYLES:
        assert len(forms(text, style, 1).code) <= len(text) + 2


def test_the_style_comes_from_the_names() -> None:
    assert style_of(["x.rs", "a.unknown"]) == "slashes" and style_of([]) == "none"
    assert style_of(["b.py", "a.c"]) == style_of(["a.c", "b.py"]) == "slashes"

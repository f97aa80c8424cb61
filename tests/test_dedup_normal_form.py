"""Normal forms: layout, comments and names play no part, and everything else does."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.dedup.normal_form import LEAST_NAMES, STYLES, code_of, forms, style_of
from gleanery.dedup.texts import joined_texts

PYTHON = '''# a comment
def area(width, height):
    """The area # not a comment."""
    return width * height  # the product
'''
C = 'int main(void) { /* start */ char *s = "// no comment"; char q = \'"\'; return 0; } // end\n'
WORDS = st.lists(st.sampled_from(["if", "x", "y1", "(", ")", "+", "3.5", "名前", "é", "return", ","]), max_size=60)


def _forms(text: str, style: str, least_words: int) -> tuple[str, bytes, bytes]:
    found = forms(joined_texts([text]), [style], least_words)
    return found.code[0], found.normal[0], found.renamed[0]


def _code(text: str, style: str) -> str:
    return code_of(joined_texts([text]), [style])[0]


def test_comments_and_layout_are_set_aside() -> None:
    bare = 'def area(width,height):"""The area # not a comment."""return width*height'
    assert _forms(PYTHON, "hash", 5) == _forms(bare, "hash", 5)
    assert _code(C, "slashes") == 'int main(void){char*s="// no comment";char q=\'"\';return 0;}'
    assert _code("<p>it's <!-- gone --> here</p>", "markup") == "<p>it's here</p>"
    assert _code("SELECT a -- the first\nFROM b", "dashes") == "SELECT a FROM b"


def test_strings_and_numbers_are_not() -> None:
    for one, other in (('a = "x  y"', 'a = "x y"'), ("a = 1", "a = 2"), ("ab", "a b"), ("a # b", "a c # b")):
        assert _forms(one, "hash", 1)[1] != _forms(other, "hash", 1)[1]


def test_a_hash_inside_a_word_begins_no_comment() -> None:
    assert _code("echo ${#list} $#", "hash") == "echo${#list}$#"


def test_names_are_replaced_in_the_order_of_their_first_occurrence() -> None:
    text = "def f(a, b):\n" + "".join(f"    x{n} = a + b * {n}\n" for n in range(LEAST_NAMES))
    other = re.sub(r"\b(x\d+|a|b|f)\b", r"\1_other", text)
    swapped = text.replace("a + b", "b + a")
    one, two, three = (_forms(t, "hash", 5)[2] for t in (text, other, swapped))
    assert one == two and one != three
    assert _forms(text.replace("def", "class"), "hash", 5)[2] != one  # a keyword is no name


def test_what_says_too_little_has_no_digest() -> None:
    assert _forms("x = 1", "hash", 5)[1] == b"" and _forms("", "none", 1)[1] == b""
    assert _forms("# only a comment, of many words, and nothing else", "hash", 5)[1] == b""
    assert _forms("a b c d e", "none", 5)[1] != b"" and _forms("a b c d e", "none", 5)[2] == b""


@given(WORDS, st.sampled_from(sorted(STYLES)), st.lists(st.sampled_from([" ", "\n", "\t", "\r\n\n"]), min_size=60))
def test_white_space_between_tokens_plays_no_part(words: list[str], style: str, gaps: list[str]) -> None:
    assert _forms(" ".join(words), style, 1) == _forms(
        "".join(w + g for w, g in zip(words, gaps, strict=False)), style, 1
    )


@given(st.text(), st.sampled_from(sorted(STYLES)))
def test_no_text_breaks_it_and_nothing_is_added(text: str, style: str) -> None:
    code = _code(text, style)
    rest = iter(text)
    assert all(character in rest for character in code.replace(" ", ""))  # in this order
    plain = _code(text, "none")
    assert _code(plain, "none") == plain


@pytest.mark.parametrize("text", ['"' * 9, "/*", "<!--", "'''", "`", "\\", '"\\', "#", "//", "\x00\x01", "\ud800"])
def test_texts_that_end_too_early_are_safe(text: str) -> None:
    for style in STYLES:
        assert len(_code(text, style)) <= len(text) + 2


def test_the_style_comes_from_the_names() -> None:
    assert style_of(["x.rs", "a.unknown"]) == "slashes" and style_of([]) == "none"
    assert style_of(["b.py", "a.c"]) == style_of(["a.c", "b.py"]) == "slashes"


@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from(sorted(STYLES))), max_size=8))
def test_a_text_has_the_same_forms_whatever_stands_around_it(texts: list[tuple[str, str]]) -> None:
    joined, styles = joined_texts([text for text, _ in texts]), [style for _, style in texts]
    found, code = forms(joined, styles, 1), code_of(joined, styles)
    for n, (text, style) in enumerate(texts):
        assert (found.code[n], found.normal[n], found.renamed[n]) == _forms(text, style, 1)
        assert code[n] == found.code[n]


@pytest.mark.parametrize("separator", ["\n", ", ", "();\n"])
def test_a_list_of_words_has_no_renamed_form(separator: str) -> None:
    """Nothing of it would be left but the number of its words, and another list has as many."""
    words = separator.join(f"word{n}" for n in range(2 * LEAST_NAMES))
    assert _forms(words, "none", 1)[1] and not _forms(words, "none", 1)[2]
    assert _forms(f"{words}{separator}{words}", "none", 1)[2]


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_any_line_end_ends_a_comment_and_a_string(end: str) -> None:
    """The lines of old editors for Macintosh end with CR alone; all of such a file was one comment."""
    for text, style in (
        (PYTHON, "hash"),
        (C + "char *t = 'no end\nint x; // and\nint y;", "slashes"),
        ("a = 'one\\\ntwo' # it\nb = 2", "hash"),
    ):
        for found in (_code(text.replace("\n", end), style), _forms(text.replace("\n", end), style, 1)[0]):
            assert found.replace(end, "\n") == _code(text, style)
    assert _forms(PYTHON.replace("\n", end), "hash", 5) == _forms(PYTHON, "hash", 5)


@pytest.mark.parametrize("head", ["f(", "x = ", "return ", "a ? ", "f(1, ", "s => ", "case ", "!", "[", "{ r: "])
def test_a_pattern_between_slashes_is_no_comment(head: str) -> None:
    for pattern in (r"/\/*$/", r"/[/*]/g", r"/https?:\/\//", r"/['\"]/"):
        text = f"{head}{pattern}  ;  done('b')  // said\n more /* x */ ()"
        assert _code(text, "script") == f"{head}{pattern};done('b')more()".replace(" ", "")


def test_a_slash_behind_a_value_divides() -> None:
    for text in ("a / b / c", "f(a) / 2 / 3", "x[1] / 2 /n", "<a></b>  <i></i>", "returned / 2 / 3"):
        assert _code(f"{text} /* gone */", "script") == _code(text, "slashes")


def test_a_line_of_patterns_that_do_not_end_is_read_in_linear_time() -> None:
    text = "=/[" * 300_000
    before = time.process_time()
    assert _code(text, "script") == text
    assert time.process_time() - before < 20  # without a limit it is minutes


def test_kernels_and_lisp_share_an_ending() -> None:
    kernel = "__kernel void f(int n) {\n  a = b; c = d; // note\n}\n"
    assert style_of(["fold.cl"]) == "lisp or c"
    assert _code(kernel, "lisp or c") == _code(kernel, "slashes")
    assert _code("; a note\n(defun f (x) 'x) ; more\n", "lisp or c") == "(defun f(x)'x)"

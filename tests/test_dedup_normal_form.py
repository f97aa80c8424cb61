"""Normal forms: layout, comments and names play no part, and everything else does."""

import re
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.dedup.comment_styles import BY_ENDING
from gleanery.dedup.normal_form import LEAST_NAMES, STYLE_NAMES, STYLES, code_of, forms, style_of, styles_of
from gleanery.dedup.texts import joined_texts

PYTHON = '''# a comment
def area(width, height):
    """The area # not a comment."""
    return width * height  # the product
'''
C = 'int main(void) { /* start */ char *s = "// no comment"; char q = \'"\'; return 0; } // end\n'
WORDS = st.lists(st.sampled_from(["if", "x", "y1", "(", ")", "+", "3.5", "名前", "é", "return", ","]), max_size=60)


def _forms(text: str, style: str) -> tuple[str, bytes, bytes]:
    found = forms(joined_texts([text]), [style])
    return found.code[0], found.normal[0], found.renamed[0]


def _code(text: str, style: str) -> str:
    return code_of(joined_texts([text]), [style])[0]


def test_comments_and_layout_are_set_aside() -> None:
    bare = 'def area(width,height):"""The area # not a comment."""return width*height'
    assert _forms(PYTHON, "hash") == _forms(bare, "hash")
    assert _code(C, "slashes") == 'int main(void){char*s="// no comment";char q=\'"\';return 0;}'
    assert _code("<p>it's <!-- gone --> here</p>", "markup") == "<p>it's here</p>"
    assert _code("SELECT a -- the first\nFROM b", "dashes") == "SELECT a FROM b"


def test_strings_and_numbers_are_not() -> None:
    for one, other in (('a = "x  y"', 'a = "x y"'), ("a = 1", "a = 2"), ("ab", "a b"), ("a # b", "a c # b")):
        assert _forms(one, "hash")[1] != _forms(other, "hash")[1]


def test_a_hash_inside_a_word_begins_no_comment() -> None:
    assert _code("echo ${#list} $#", "hash") == "echo${#list}$#"


def test_names_are_replaced_in_the_order_of_their_first_occurrence() -> None:
    text = "def f(a, b):\n" + "".join(f"    x{n} = a + b * {n}\n" for n in range(LEAST_NAMES))
    other = re.sub(r"\b(x\d+|a|b|f)\b", r"\1_other", text)
    swapped = text.replace("a + b", "b + a")
    one, two, three = (_forms(t, "hash")[2] for t in (text, other, swapped))
    assert one == two and one != three
    assert _forms(text.replace("def", "class"), "hash")[2] != one  # a keyword is no name


def test_what_says_too_little_has_no_digest() -> None:
    assert _forms("", "none")[1] == b""
    assert _forms("# only a comment, of many words, and nothing else", "hash")[1] == b""
    assert _forms("a b c d e", "none")[1] != b"" and _forms("a b c d e", "none")[2] == b""


@given(WORDS, st.sampled_from(sorted(STYLES)), st.lists(st.sampled_from([" ", "\n", "\t", "\r\n\n"]), min_size=60))
def test_white_space_between_tokens_plays_no_part(words: list[str], style: str, gaps: list[str]) -> None:
    assert _forms(" ".join(words), style) == _forms("".join(w + g for w, g in zip(words, gaps, strict=False)), style)


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
    found, code = forms(joined, styles), code_of(joined, styles)
    for n, (text, style) in enumerate(texts):
        assert (found.code[n], found.normal[n], found.renamed[n]) == _forms(text, style)
        assert code[n] == found.code[n]


@pytest.mark.parametrize("separator", ["\n", ", ", "();\n"])
def test_a_list_of_words_has_no_renamed_form(separator: str) -> None:
    """Nothing of it would be left but the number of its words, and another list has as many."""
    words = separator.join(f"word{n}" for n in range(2 * LEAST_NAMES))
    assert _forms(words, "none")[1] and not _forms(words, "none")[2]
    assert _forms(f"{words}{separator}{words}", "none")[2]


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_any_line_end_ends_a_comment_and_a_string(end: str) -> None:
    """The lines of old editors for Macintosh end with CR alone; all of such a file was one comment."""
    for text, style in (
        (PYTHON, "hash"),
        (C + "char *t = 'no end\nint x; // and\nint y;", "slashes"),
        ("a = 'one\\\ntwo' # it\nb = 2", "hash"),
    ):
        for found in (_code(text.replace("\n", end), style), _forms(text.replace("\n", end), style)[0]):
            assert found.replace(end, "\n") == _code(text, style)
    assert _forms(PYTHON.replace("\n", end), "hash") == _forms(PYTHON, "hash")


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


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("a.lua", "--[[\n", "]]"),
        ("a.lua", "--[==[\n ]] ", "]==]"),
        ("a.hs", "{-", "-}"),
        ("a.elm", "{- {- inner -} ", "-}"),
        ("a.ps1", "<#", "#>"),
        ("a.jl", "#= #= =# ", "=#"),
        ("a.nim", "#[", "]#"),
        ("a.cmake", "#[[", "]]"),
        ("a.rb", "=begin\n", "\n=end"),
        ("a.pm", "=head1 NAME\n", "\n=cut"),
        ("a.ml", "(* (* *)", "*)"),
        ("a.pas", "{", "}"),
        ("a.d", "/+ /+ +/", "+/"),
        ("a.rkt", "#|", "|#"),
        ("a.s", "/*", "*/"),
        ("a.thrift", "/*", "*/"),
        ("a.hx", "/*", "*/"),
        ("a.g4", "/*", "*/"),
        ("a.jsp", "<%--", "--%>"),
        ("a.twig", "{#", "#}"),
        ("a.hbs", "{{!--", "--}}"),
        ("a.cshtml", "@*", "*@"),
        ("a.m", "%{\n", "\n%}"),
        ("a.m", "/*", "*/"),
        ("a.fth", "( ", ")"),
        ("a.4th", "(\t", " )"),
        ("a.nc", "/*", "*/"),
        ("a.m3", "(*", "*)"),
        ("a.c.in", "/*", "*/"),
    ],
)
def test_blocks_of_comments_are_known(name: str, begin: str, end: str) -> None:
    head = "% matlab\n" if "%" in begin and name == "a.m" else ""
    text = f"{head}{begin} Licensed to you under the terms\nof a licence {end}\nfirst = second(third)\n"
    code = "first=second(third)"
    assert _code(text, style_of([name])) == code
    assert _code(f"x = 1\n{text}", style_of([name])) == f"x=1 {code}"


@pytest.mark.parametrize(
    ("name", "mark"),
    [("a.thrift", "#"), ("a.thrift", "//"), ("a.am", "#"), ("a.properties", "!"), ("a.conf", "#"), ("a.m", "%")]
    + [("a.m", "//"), ("a.pro", "#"), ("a.pro", "%"), ("a.f", "C"), ("a.f90", "!"), ("a.vb", "'"), ("a.bat", "rem")]
    + [("a.vim", '"'), ("a.m4", "dnl"), ("a.texi", "@c"), ("a.1", '.\\"'), ("a.s", "@"), ("a.s", "#")]
    + [("a.fth", "\\"), ("a.fs", "\\"), ("a.f", "\\"), ("a.fs", "//")],
)
def test_lines_of_comments_are_known(name: str, mark: str) -> None:
    text = f"{mark} Licensed under\n{mark} some terms\n\nfirst = second\n{mark} and more\nthird\n"
    assert _code(text, style_of([name])) == "first=second third"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.scss", "src:url(https://fonts.example.com/s)format('woff2');"),
        ("a.scss", "src:url(//fonts.example.com/s)format('woff2');"),
        ("a.go", "see:https://example.com/list"),
        ("a.ini", "connection=Server=one;Database=7;User=8"),
        ("a.clj", '(str"<b>&nbsp; apples ; pears")'),
        ("a.kt", 'val routes="""\nGET https://example.com // list\n"""'),
        ("a.php", "<style>.box{border:#ffccdd solid 2px;margin: #abc}</style><?php echo render($page)?>"),
        ("a.php", "<?php #[Route('/article/{id}')]function f(){}"),
        ("a.hs", "y=foldl'(f)x'y"),
        ("a.m", "% matlab\ny=x';z=sprintf('%d %d',x')"),
        ("a.ml", "add=List.fold(*)x"),
        ("a.pas", "{$mode objfpc}"),
        ("a.c", "a=b/*c"),
        ("a.fth", "defer(emit'(emit is x[char]\\n"),
        ("a.fth", 's" a \\ b ( c )"type'),
        ("a.fs", "let f=(fun x->x+1)"),
    ],
)
def test_what_looks_like_a_comment_is_read_as_code(name: str, text: str) -> None:
    bare = text.replace("% matlab\n", "").replace(": #abc", ":#abc").replace("php #[", "php#[")
    assert _code(text, style_of([name])) == bare


@pytest.mark.parametrize("ending", ["f", "fs"])
def test_forth_is_told_from_the_languages_that_share_its_endings(ending: str) -> None:
    text = "HEX ( of the port )\n: twice  ( n -- 2n )  2* ; \\ doubles\n"
    assert _code(text, style_of([f"a.{ending}"])) == _code(text, "forth") == "HEX:twice 2*;"


PIECES = st.sampled_from(["a", ".", "in", "orig", "py", "c", "Makefile", "\n", "İ", ".IN", "notes", "txt", "dist"])


@given(st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), min_size=1, max_size=3))
def test_a_column_of_names_has_the_styles_that_each_name_has(names: list[str]) -> None:
    found = styles_of(pa.array([names, names[:1]]))
    assert [STYLE_NAMES[style] for style in found] == [style_of(names), style_of(names[:1])]


def test_two_files_of_nesc_with_one_licence_in_their_comments_have_no_code_in_common() -> None:
    licence = "/*\n * Use it.\n */\n/* tab:4\n * (c) Ada\n */\n"
    codes = [_code(f"{licence}{code}\n", style_of(["A.nc"])) for code in ("module A { }", "interface B;")]
    assert codes == ["module A{}", "interface B;"]


def test_php_ends_where_its_tag_does() -> None:
    text = "<p>it's # here</p>\n<?php\n# note ?> <b>don't</b> <?= $a // note ?> // text <!-- gone -->"
    assert _code(text, "php") == "<p>it's#here</p><?php?><b>don't</b><?=$a?>//text"


@pytest.mark.parametrize("ending", ["zzz", "txt", ""])
@pytest.mark.parametrize("mark", ["#", "//", "--", ";;", "%", "!", "*", '.\\"'])
def test_the_head_of_a_file_with_no_known_comments_is_set_aside(ending: str, mark: str) -> None:
    head = f"{mark} Licensed under\n{mark} the terms\n{mark}{mark}\n\n{mark} of a licence\n"
    assert _code(f"{head}first = second {mark} third\n", style_of([f"a.{ending}"])) == f"first=second{mark}third"


@pytest.mark.parametrize(("begin", "end"), [("/*", "*/"), ("<!--", "-->"), ("{-", "-}"), ("(*", "*)")])
@pytest.mark.parametrize("name", ["a.zzz", "README", "a.py"])
def test_a_block_at_the_beginning_is_set_aside_in_any_file(name: str, begin: str, end: str) -> None:
    text = f"#! /bin/run\n{begin} Licensed under\nthe terms {end} first = second"
    assert _code(text, style_of([name])).endswith("first=second") and "terms" not in _code(text, style_of([name]))


def test_prose_and_data_have_no_head() -> None:
    for text in ("# Title\nand words", '"a","b"\n"c","d"', "- one\n- two", "#include <a>\n#include <b>", "/* no end"):
        assert _code(text, "none") == _code(f"x {text}", "none").removeprefix("x").strip()


def test_a_block_without_an_end_hides_nothing_and_takes_linear_time() -> None:
    for name, text in (
        ("a.c", "/* a "),
        ("a.hs", "{- a "),
        ("a.lua", "--[[ a "),
        ("a.hs", "{- {- -} "),
        ("a.m", "%{\n"),
    ):
        before = time.process_time()
        code = _code(text * 200_000, style_of([name]))
        assert time.process_time() - before < 5
        assert name not in ("a.c",) or code


def test_each_ending_has_a_style_and_none_is_there_twice() -> None:
    assert len(BY_ENDING) > 500 and set(BY_ENDING.values()) | {"none"} == set(STYLES)

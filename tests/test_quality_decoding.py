"""Decoding: the text of a file, whatever it was written in, or nothing where that is not certain.

`golden/quality/encodings` holds invented sentences of comments in several languages, in UTF-8; the tests write them in
the encodings that such files have.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.quality.declared import declared_name, read_as
from gleanery.quality.decoding import decode
from gleanery.quality.recognised import recognised

GOLDEN = Path(__file__).parent / "golden/quality/encodings"

# What each text may be written in, and what it is then read as.
WRITTEN = [
    ("japanese.txt", "shift_jis", "cp932"),
    ("japanese.txt", "euc_jp", "euc_jp"),
    ("korean.txt", "euc_kr", "cp949"),
    ("simplified.txt", "gb2312", "gb18030"),
    ("traditional.txt", "big5", "big5hkscs"),
    ("german.txt", "latin-1", "cp1252"),
]
# The same letters are others in another table, and nothing in the bytes says which.
NOT_CERTAIN = [
    ("russian.txt", "cp1251"),
    ("russian.txt", "koi8_r"),
    ("polish.txt", "cp1250"),
    ("norwegian.txt", "latin-1"),
]

DECLARATIONS = {
    "xml": '<?xml version="1.0" encoding="{}"?>\n',
    "xml with apostrophes": "<?xml version='1.0' encoding='{}' standalone='yes'?>\n",
    "css": '@charset "{}";\n',
    "python": "#!/usr/bin/python\n# -*- coding: {} -*-\n",
    "python, short": "# coding={}\n",
    "ruby": "# encoding: {}\n",
    "emacs": "/* -*- mode: c; coding: {}-unix -*- */\n",
    "behind other letters": "# ы -*- coding: {} -*-\n",
    "vim": "// vim: set ts=4 fileencoding={} :\n",
    "html": '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}">\n',
    "html 5": "<!doctype html><meta charset='{}'>\n",
    "vim script": '" a plugin\nscriptencoding {}\n',
    "gettext": '# a list\nmsgid ""\nmsgstr ""\n"Language: \\n"\n"Content-Type: text/plain; charset={}\\n"\n',
    "latex": "\\documentclass{{article}}\n\\usepackage[{}]{{inputenc}}\n",
    "perl": "package A;\n\n=encoding {}\n\n=cut\n",
}


def text_of(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "written", "read"), WRITTEN)
def test_a_text_in_an_encoding_that_its_bytes_show_is_read(name: str, written: str, read: str) -> None:
    assert decode(text_of(name).encode(written)) == (text_of(name), read)


@pytest.mark.parametrize(("name", "written"), NOT_CERTAIN)
def test_a_text_that_could_be_another_one_is_not_read(name: str, written: str) -> None:
    assert decode(text_of(name).encode(written)) == (None, "unknown")


@pytest.mark.parametrize(("name", "written"), NOT_CERTAIN)
def test_a_text_that_could_be_another_one_is_read_as_it_declares(name: str, written: str) -> None:
    text = f"# coding: {written}\n" + text_of(name)
    assert decode(text.encode(written)) == (text, read_as(written))


@pytest.mark.parametrize("place", DECLARATIONS)
@pytest.mark.parametrize(("name", "written"), [("russian.txt", "koi8-r"), ("japanese.txt", "shift_jis")])
def test_a_declaration_is_found_where_programs_obey_it(place: str, name: str, written: str) -> None:
    text = DECLARATIONS[place].format(written) + text_of(name)
    assert decode(text.encode(written)) == (text, read_as(written))


def test_a_mode_line_and_variables_count_at_the_end_too() -> None:
    for end in ("# vim: fenc=koi8-r\n", "# Local Variables:\n# coding: koi8-r\n# End:\n"):
        assert decode((text_of("russian.txt") + end).encode("koi8-r")) == (text_of("russian.txt") + end, "koi8_r")


@pytest.mark.parametrize(
    "line",
    ['charset = "koi8-r"', "encoding: koi8-r", "the coding is koi8-r", 'f(encoding="koi8-r")', "# set the encoding"],
)
def test_a_word_about_an_encoding_declares_nothing(line: str) -> None:
    assert declared_name(f"x = 1\n{line}\n".encode()) is None


@pytest.mark.parametrize("name", ["utf-8", "rot13", "hex", "ascii-8bit", "no-such", "unicode_escape", "utf-7", "idna"])
def test_a_declared_name_that_is_not_read_leaves_the_encoding_unknown(name: str) -> None:
    assert decode((f"# coding: {name}\n" + text_of("german.txt")).encode("latin-1")) == (None, "unknown")


def test_a_declaration_that_the_bytes_contradict_leaves_the_encoding_unknown() -> None:
    says = b"# coding: latin-1\n"
    assert decode(says + text_of("japanese.txt").encode("cp932"))[0] is None
    assert decode(says + text_of("german.txt").encode() + b"\xe9 ")[0] is None  # UTF-8 with one wrong byte
    assert decode(b"# coding: shift_jis\n" + text_of("german.txt").encode("latin-1"))[0] is None
    assert decode(says + b"\x81\x8d")[0] is None  # no letters at all


def test_one_wrong_byte_leaves_the_encoding_unknown() -> None:
    for name, written, _ in WRITTEN:
        if written != "latin-1":
            assert decode(text_of(name).encode(written) + b"\xff\n")[0] is None, written


MARKED = [("japanese.txt", "iso2022_jp", "iso2022_jp_ext"), ("korean.txt", "iso2022_kr", "iso2022_kr")]


@pytest.mark.parametrize(("name", "written", "read"), MARKED)
def test_marks_that_switch_between_tables_show_an_encoding(name: str, written: str, read: str) -> None:
    for says in ("", f"# coding: {written.replace('2022_', '-2022-')}\n"):
        text = says + text_of(name)
        assert decode(text.encode(written, "ignore")) == (text.encode(written, "ignore").decode(written), read)


def test_a_backslash_behind_a_japanese_letter_stays_one() -> None:
    assert decode("// 日本語\\n~".encode("iso2022_jp").replace(b"\x1b(B", b"\x1b(J"))[0] == "// 日本語\\n~"


def test_an_encoding_of_signs_that_code_is_full_of_has_to_be_declared() -> None:
    text = "# coding: hz\n" + text_of("simplified.txt").encode("gb2312", "ignore").decode("gb2312")
    assert decode(text.encode("hz")) == (text, "hz")
    assert decode(text.encode("hz")[4:])[1] == "utf-8"
    for name in ("utf-7", "UTF_7"):
        assert decode(f"# coding: {name}\n# größer".encode("utf-7")) == (None, "unknown")
    assert decode(b"# coding: utf-7\nx = 1") == ("# coding: utf-7\nx = 1", "utf-8")
    assert decode(b"# coding: hz\n# ~{VPN~}") == (None, "unknown")


@pytest.mark.parametrize(
    "text",
    [
        "printf '\x1b[1;31mred\x1b[0m \x1b(B\x1b[m'",
        "\x1b$\x1b[31m\x0e\x0f",
        "# coding: iso-2022-jp\necho '\x1b[31m'",
        "(format t ~{~a~})",
        "s = '\x1b$B'  # the mark of a table",
        "größer \x1b$BF|K\\8l\x1b(B",
    ],
)
def test_what_only_looks_like_a_mark_stays_utf_8(text: str) -> None:
    assert decode(text.encode()) == (text, "utf-8")


@pytest.mark.parametrize("mark", [b"\x1b$)C", b"\x1b$B", b"\x1b$B!!", b"\x0e", b"\x0e!!", b"~{"])
def test_marks_over_and_over_take_linear_time(mark: bytes) -> None:
    content = b"\x1b$)C" + mark * ((1 << 20) // len(mark))
    assert decode(content)[1] in ("utf-8", "unknown")


def test_a_few_letters_of_two_bytes_are_read_as_they_declare() -> None:
    for text, written in (("联通", "gbk"), ("路", "gbk"), ("ﾃﾊ", "shift_jis")):
        declared = f"# coding: {written}\n# {text}\n"
        assert decode(declared.encode(written)) == (declared, read_as(written))
    single = [bytes([first, second]) for first in range(0xB0, 0xF8) for second in range(0xA1, 0xFF)]
    for letter in single:
        content = b"# coding: gbk\nx = '" + letter + b"'\n"
        assert decode(content)[1] in ("gb18030", "unknown")


def test_many_letters_of_utf_8_are_utf_8_whatever_is_declared() -> None:
    for text in (text_of("german.txt"), text_of("simplified.txt"), "中", "größer, höher, überall"):
        text = "# coding: gbk\n" + text
        assert decode(text.encode()) == (text, "utf-8")


# The first are bytes of DOS, of a Macintosh and of Central Europe, and would be other words in a table of Windows.
OLDER = [
    ("cp850", "// o arquivo já existe"),
    ("cp437", "' el valor está en metros"),
    ("cp850", "REM Nº 1"),
    ("cp850", "// será, está."),
    ("cp850", "// NÃO"),
    ("cp850", "// daß es groß ist"),
    ("cp850", "// limões"),
    ("cp850", "// Última"),
    ("cp850", "// Intel® x"),
    ("cp852", "// są"),
    ("cp852", "// dzień"),
    ("cp852", "// naše"),
    ("iso8859_2", "// wartosci są tu"),
    ("iso8859_2", "# sieť je tu"),
    ("iso8859_2", "# cieľ"),
    ("iso8859_2", "// będą są"),
    ("iso8859_4", "// są"),
    ("mac_roman", "// daß es geht"),
    ("mac_roman", "// Miguel París Díaz"),
    ("mac_roman", "// usage: REF…"),
    ("mac_roman", "// «a, REF…"),
    ("mac_roman", "// (0, ∞)"),
]


@pytest.mark.parametrize(("written", "text"), OLDER)
def test_a_word_of_an_older_table_is_not_taken_for_one_of_windows(written: str, text: str) -> None:
    assert decode(f"{text}\n".encode(written)) == (None, "unknown")


WINDOWS = [
    "// José Müller, für größere Werte",
    "// Isn’t it the user’s?",
    "// “quoted” – and — so on",
    "// Copyright © 1999, copyright© Foo, Windows® 5 °, § 3, ± 2",
    "// Straße, Länge, später, Höhe",
    "// vérité, été",
    "// está aquí, el número",
    "// François Noël, François",
    "// façade, Kämpe",
]


@pytest.mark.parametrize("text", WINDOWS)
def test_western_words_are_still_read(text: str) -> None:
    assert decode(f"{text}\n".encode("cp1252")) == (f"{text}\n", "cp1252")


RARE = [
    ("cp932", "// これは設定を読むための関数です", "丼乍乎于亟亢亰亳亶从仍仄"),
    ("euc_jp", "// これは設定を読むための関数です", "丼乍乎于亟亢亰亳亶从仍仄"),
    ("cp949", "// 이것은 설정을 읽는 함수이다 그리고", "갉갊걺겟곯괌굄궤귐긁긺깟" * 5),
    ("gb18030", "// 这个函数读取设置文件中的内容并且返回所有数据", "亍丌兀丐廿卅丕亘丞鬲孬噩丨禺"),
    ("big5hkscs", "// 這個函數會讀取設定檔中的內容並且傳回所有的資料", "乂乜凵匚厂万丌乇亍囗兀屮彳丏"),
]


@pytest.mark.parametrize(("codec", "text", "rare"), RARE)
def test_letters_that_hardly_any_text_has_are_no_evidence(codec: str, text: str, rare: str) -> None:
    assert recognised(text.encode(codec)) == (codec, text)
    assert recognised((text + rare).encode(codec)) is None


def test_one_word_over_and_over_is_no_evidence() -> None:
    assert recognised(("// 中文\n" * 100).encode("big5")) is None


@pytest.mark.parametrize("sign", ["\x85", "\x82", "f\xfcr\x84", "10\xb0C", "\xa4", "\xe4\xe4", "'\xe9'"])
def test_signs_that_are_letters_elsewhere_are_not_taken_for_latin(sign: str) -> None:
    assert recognised(f"a {sign} b".encode("latin-1")) is None


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]))
@settings(deadline=None)
def test_a_text_comes_back_as_it_was_written(text: str, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    content = mark + text.encode(encoding)
    if encoding == "utf-8" and text.startswith("\ufeff"):
        text, encoding = text[1:], "utf-8-sig"
    if content.startswith(b"\xff\xfe\0\0"):
        assert decode(content) == (None, "unknown")
    else:
        assert decode(content) == (text, encoding[:6] if encoding.startswith("utf-16") else encoding)


LEGACY = st.sampled_from(sorted({written for _, written, _ in WRITTEN} | {written for _, written in NOT_CERTAIN}))


@given(st.text(), LEGACY, st.booleans(), st.sampled_from(sorted(path.name for path in GOLDEN.glob("*.txt"))))
@settings(deadline=None)
def test_a_text_is_itself_or_nothing_and_never_another(more: str, written: str, declares: bool, name: str) -> None:
    text = (f"# coding: {written}\n" if declares else "") + text_of(name) + more
    content = text.encode(read_as(written) or "", "ignore")
    found, encoding = decode(content)
    if not encoding.startswith("utf-8"):  # two letters of a table may be one of UTF-8
        assert found in (None, content.decode(read_as(written) or ""))
    assert found is not None or encoding == "unknown"


@given(st.one_of(st.binary(), st.binary().map(b"\xff\xfe".__add__), st.text().map(str.encode), st.binary(min_size=60)))
@settings(deadline=None)
def test_any_bytes_give_a_text_that_gives_the_same_bytes_or_none(content: bytes) -> None:
    text, encoding = decode(content)
    if text is None:
        assert encoding == "unknown"
    elif encoding == "utf-16":
        order = "utf-16-le" if content[0] == 0xFF else "utf-16-be"
        assert content[:2] + text.encode(order) == content
    elif encoding.startswith("utf-8"):
        assert text.encode(encoding) == content
    else:  # tables of Japan have some letters twice
        assert content.decode(encoding) == text and text.encode(encoding).decode(encoding) == text


@pytest.mark.parametrize(
    "content",
    [
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff\xfea",
        b"\xff\xfe\x00\xd8",
        "a".encode("utf-32"),
    ],
)
def test_what_is_not_certain_has_no_text(content: bytes) -> None:
    assert decode(content) == (None, "unknown")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_line_ends_stay_as_they_are(end: str) -> None:
    assert decode(f"a{end}b{end}".encode()) == (f"a{end}b{end}", "utf-8")

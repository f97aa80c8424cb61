"""Where the comments and the strings of texts stand, compiled with numba.

In: the bytes of texts, and for each the marks of its kind of comment (`comment_styles`). Out: spans, in order. One
pass; 5 ns for a byte. This is a reader of tokens and no parser, so it asks for more than a sign where one is also
something else: `//` right behind a colon is an address, `#[` in PHP an attribute, a `'` behind a name no quote. A block
without an end is no comment, so nobody hides a file behind one sign.

What stands at the beginning of a text in any of the known blocks is a comment whatever its style says, since that is
where licences stand; under `HEAD`, so are lines that all begin with the same mark.

One long file, since no compiled function may call one of another file (`kernels`).
"""

import functools

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled

(  # what begins a comment anywhere and ends with its line
    SLASHES, APART_SLASHES, HASH, DASHES, SEMICOLON, PERCENT, BANG, TICK, AT,
) = (1 << n for n in range(9))  # fmt: skip
(  # what begins one only at the beginning of a line
    L_HASH, L_PREPROCESSOR, L_SEMICOLON, L_BANG, L_FORTRAN, L_QUOTE, L_REM, L_DNL, L_AT_C, L_ROFF, RUBY, PERL, MATLAB,
) = (1 << n for n in range(9, 22))  # fmt: skip
(  # strings
    DOUBLE, SINGLE, BACKTICK, TRIPLE, LONG, APOSTROPHE, PATTERN,
) = (1 << n for n in range(22, 29))  # fmt: skip
# Told by the text; PHP between its tags; `--[[ ]]` and `#[[ ]]`; lines at the beginning; Lisp or C; a `\` that stands
# apart; Forth, if the text tells so.
TOLD, PHP, BRACKETS, HEAD, LISP_OR_C, ATTRIBUTES, APART_BACKSLASH, OR_FORTH = (1 << n for n in range(29, 37))
_FIRST_BLOCK = 40
QUOTES = DOUBLE | SINGLE
_LINES = (1 << 22) - (1 << 9)

# (begin, end, nested, also at the beginning of any text)
_BLOCKS = (
    (b"/*", b"*/", False, True),
    (b"<!--", b"-->", False, True),
    (b"{-", b"-}", True, True),
    (b"<#", b"#>", False, True),
    (b"(*", b"*)", True, True),
    (b"#|", b"|#", True, True),
    (b"#=", b"=#", True, True),
    (b"/+", b"+/", True, False),
    (b"#[", b"]#", True, False),
    (b"/-", b"-/", True, False),
    (b"{#", b"#}", False, True),
    (b"<%--", b"--%>", False, True),
    (b"@*", b"*@", False, True),
    (b"{{!--", b"--}}", False, True),
    (b"<#--", b"-->", False, True),
    (b"#*", b"*#", False, False),
    (b"###", b"###", False, False),
    (b"{", b"}", False, False),
    (b"(", b")", False, False),
)
(  # in their order
    BLOCK, MARKUP, DASHED_BRACES, ANGLES, PARENTHESES, PIPES, EQUALS, PLUSES, SQUARES, LEAN, TEMPLATE, SERVER, RAZOR,
    HANDLEBARS, FREEMARKER, VELOCITY, COFFEE, BRACES, APART_PARENTHESES,
) = (1 << n for n in range(_FIRST_BLOCK, _FIRST_BLOCK + len(_BLOCKS)))  # fmt: skip
_BEGINS = np.array([list(begin.ljust(5, b"\0")) for begin, *_ in _BLOCKS], np.uint8)
_ENDS = np.array([list(end.ljust(5, b"\0")) for _, end, *_ in _BLOCKS], np.uint8)
_LENGTHS = np.array([(len(begin), len(end)) for begin, end, *_ in _BLOCKS], np.int64)
_NESTED = np.array([nested for _, _, nested, _ in _BLOCKS])
_BY_SIGN = np.array(
    [sum(1 << (_FIRST_BLOCK + n) for n, block in enumerate(_BLOCKS) if block[0][0] == byte) for byte in range(256)],
    np.int64,
)
_ASKED = {"/": SLASHES | APART_SLASHES | PATTERN, "#": HASH | BRACKETS, "-": DASHES | BRACKETS, ";": SEMICOLON}
_ASKED |= {"\\": APART_BACKSLASH, "%": PERCENT, "!": BANG, "'": TICK | SINGLE, '"': DOUBLE, "`": BACKTICK, "@": AT}
# The marks for which a sign counts.
_MARKS_OF = _BY_SIGN | np.array([_ASKED.get(chr(byte), 0) for byte in range(256)], np.int64)
_HEADS = sum(1 << (_FIRST_BLOCK + n) for n, block in enumerate(_BLOCKS) if block[3])

_C, _LISP = SLASHES | BLOCK | QUOTES, SEMICOLON | PIPES | DOUBLE | LONG
FORTH = APART_BACKSLASH | APART_PARENTHESES | DOUBLE
_IN_PHP = SLASHES | BLOCK | HASH | ATTRIBUTES | QUOTES
_MATLAB = PERCENT | MATLAB | QUOTES | APOSTROPHE

FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3  # FNV-1a, 64 bits


def hash_of(word: bytes) -> int:
    """The hash by which compiled loops know a word."""
    return functools.reduce(lambda acc, byte: ((acc ^ byte) * FNV_PRIME) % (1 << 64), word, FNV_START)


_LETTERS = b"_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + bytes(range(0x80, 0x100))
_OTHER, _WORD, _SPACE, _SIGN = range(4)
# _SIGN: what may begin a comment or a string.
_KINDS = np.array(
    [
        _WORD
        if byte in _LETTERS
        else _SPACE
        if byte in b" \t\n\v\f\r"
        else _SIGN
        if byte in b"/#-;%<\"'`!@{(?\\"
        else _OTHER
        for byte in range(256)
    ],
    np.uint8,
)
_SIGNS_BEFORE_PATTERNS = np.frombuffer(b"(,=:[!&|?{;", np.uint8)
_SIGNS_OF_HEADS = np.frombuffer(b"#/;%!*'\"\\|-.:", np.uint8)
_BEFORE_PATTERNS = np.array(
    [hash_of(word) for word in (b"return", b"typeof", b"case", b"in", b"of", b"void", b"delete", b"yield", b"await")],
    np.uint64,
)
_FUNCTION, _CLASSDEF = np.uint64(hash_of(b"function")), np.uint64(hash_of(b"classdef"))
_LONGEST_PATTERN = 1000  # a line of a million brackets that open is no attack
_START, _PRIME = np.uint64(FNV_START), np.uint64(FNV_PRIME)
ASIDE, STRING = 0, 1


@compiled
def spans_of_all(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], marks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """int64[n, 3], begin, end and kind (`ASIDE` or `STRING`) of each span of all texts, and where each text's end."""
    texts = offsets.size - 1
    ends = np.zeros(texts + 1, np.int64)
    spans, count = np.empty((64, 3), np.int64), 0
    for text in range(texts):
        first, last = offsets[text], offsets[text + 1]
        mark = marks[text]
        if mark & LISP_OR_C:
            mark = _LISP if _a_line_begins(data, first, last, np.uint8(40), False) else _C
        if mark & OR_FORTH and (
            _a_line_begins(data, first, last, np.uint8(58), True)
            or _a_line_begins(data, first, last, np.uint8(92), True)
        ):
            mark = np.int64(FORTH)
        if mark & TOLD:
            mark = np.int64(_told(data, first, last))
        php = bool(mark & PHP)
        if php:
            mark = np.int64(MARKUP)
        head, head_end = _head(data, first, last, mark)
        flat = np.int64(0)  # blocks that are read as if they did not nest, since one of them had no end
        i, gap, at_line = first, True, True
        before, before2 = np.uint8(0), np.uint8(0)  # the last two bytes of code
        word, word_end = first, first  # the last word, if it is the last of the code
        while i < last:
            kind = _KINDS[data[i]]
            if kind == _SPACE:
                gap = True
                at_line = at_line or data[i] == 10 or data[i] == 13
                i += 1
                continue
            after, what = i, ASIDE
            if i == head:
                after = head_end
            elif at_line and mark & _LINES:
                after = _after_line(data, i, first, last, mark)
            if after == i and kind == _SIGN:
                if php and mark & MARKUP and data[i] == 60 and i + 1 < last and data[i + 1] == 63:
                    mark = np.int64(_IN_PHP)
                elif php and not mark & MARKUP and data[i] == 63 and i + 1 < last and data[i + 1] == 62:
                    mark = np.int64(MARKUP)
                elif mark & _MARKS_OF[data[i]]:
                    after, mark, flat = _after_comment(data, i, first, last, mark, flat, gap, php)
                    if after == i:
                        what, after = STRING, _after_string(data, i, first, last, mark, gap)
                    if after == i and mark & PATTERN and data[i] == 47:
                        after = _after_pattern(data, i, last, before, before2, word, word_end)
            if after > i:
                if count == len(spans):
                    more = np.empty((2 * count, 3), np.int64)
                    more[:count] = spans
                    spans = more
                spans[count, 0], spans[count, 1], spans[count, 2] = i, after, what
                count += 1
                i = after
                if what == ASIDE:
                    gap = True
                    continue
                before, before2, word_end = data[i - 1], np.uint8(0), word
            elif kind == _WORD:
                word = i
                while i < last and _KINDS[data[i]] == _WORD:
                    i += 1
                word_end = i
            else:
                before2, before, word_end = before, data[i], word
                i += 1
            gap, at_line = False, False
        ends[text + 1] = count
    return spans[:count].copy(), ends


@compiled
def _line_end(data: NDArray[np.uint8], i: int, last: int) -> int:
    while i < last and data[i] != 10 and data[i] != 13:
        i += 1
    return i


@compiled
def _is_apart(data: NDArray[np.uint8], i: int, last: int) -> bool:
    """Whether white space stands at a place, or nothing any more."""
    return i >= last or _KINDS[data[i]] == _SPACE


@compiled
def _begins_line(data: NDArray[np.uint8], i: int, first: int) -> bool:
    """Whether a place is the very first of its line."""
    return i == first or data[i - 1] == 10 or data[i - 1] == 13


@compiled
def _stands(data: NDArray[np.uint8], i: int, last: int, signs: NDArray[np.uint8], length: int) -> bool:
    n = 0
    while n < length and i + n < last and data[i + n] == signs[n]:
        n += 1
    return n == length


@compiled
def _after_comment(
    data: NDArray[np.uint8], i: int, first: int, last: int, mark: np.int64, flat: np.int64, gap: bool, php: bool
) -> tuple[int, np.int64, np.int64]:
    """Where the comment that begins with the sign at `i` ends, `i` if none begins there; the marks and the flat blocks
    from there on: what has no end further down need not be looked for again."""
    c = data[i]
    previous = data[i - 1] if i > first else np.uint8(0)
    following = data[i + 1] if i + 1 < last else np.uint8(0)
    if mark & BRACKETS and ((c == 45 and following == 45) or (c == 35 and gap)):
        after = _after_brackets(data, i + 2 if c == 45 else i + 1, last)
        if after > i:
            return after, mark, flat
        if after < 0:
            mark &= ~np.int64(BRACKETS)
    if mark & _BY_SIGN[c]:
        for n in range(len(_LENGTHS)):
            bit = np.int64(1) << np.int64(_FIRST_BLOCK + n)
            if not mark & bit or not _stands(data, i, last, _BEGINS[n], _LENGTHS[n, 0]):
                continue
            # `(*)` is an operator, `{$` a directive, a `#` inside a word begins nothing, and Forth's `(` is a word.
            if (bit == PARENTHESES and i + 2 < last and data[i + 2] == 41) or (bit == BRACES and following == 36):
                continue
            if c == 35 and not gap or bit == APART_PARENTHESES and not (gap and _is_apart(data, i + 1, last)):
                continue
            if _NESTED[n] and not flat & bit:
                after = _after_block(data, i, last, n, True)
                if after > i:
                    return after, mark, flat
                flat |= bit
            after = _after_block(data, i, last, n, False)
            if after > i:
                return after, mark, flat
            mark &= ~bit
    if (
        (mark & SLASHES and c == 47 and following == 47 and previous != 58)
        or (mark & APART_SLASHES and c == 47 and following == 47 and gap)
        or (mark & HASH and c == 35 and gap and not (mark & ATTRIBUTES and following == 91))
        or (mark & DASHES and c == 45 and following == 45)
        or (mark & SEMICOLON and c == 59 and previous != 92)
        or (mark & PERCENT and c == 37 and previous != 92)
        or (mark & BANG and c == 33)
        or (mark & TICK and c == 39)
        or (mark & AT and c == 64 and gap and _is_apart(data, i + 1, last))
        or (mark & APART_BACKSLASH and c == 92 and gap and _is_apart(data, i + 1, last))
    ):
        while i < last and data[i] != 10 and data[i] != 13:
            if php and data[i] == 63 and i + 1 < last and data[i + 1] == 62:
                break
            i += 1
    return i, mark, flat


@compiled
def _after_block(data: NDArray[np.uint8], i: int, last: int, n: int, nested: bool) -> int:
    """Where the block of form `n` that begins at `i` ends; `i` if it does not."""
    k, depth = i + _LENGTHS[n, 0], 1
    while k < last:
        if data[k] == _ENDS[n, 0] and _stands(data, k, last, _ENDS[n], _LENGTHS[n, 1]):
            depth -= 1
            k += _LENGTHS[n, 1]
            if depth == 0 or not nested:
                return int(k)
        elif nested and data[k] == _BEGINS[n, 0] and _stands(data, k, last, _BEGINS[n], _LENGTHS[n, 0]):
            depth += 1
            k += _LENGTHS[n, 0]
        else:
            k += 1
    return i


@compiled
def _after_brackets(data: NDArray[np.uint8], i: int, last: int) -> int:
    """Where `[[ ]]` or `[==[ ]==]` ends, from behind what makes a comment of it; 0 if there is none at `i`,
    -1 if it has no end."""
    k = i + 1
    while k < last and data[k] == 61:
        k += 1
    if k >= last or data[i] != 91 or data[k] != 91:
        return 0
    level = k - i - 1
    while k < last:
        if data[k] != 93:
            k += 1
            continue
        start = k
        k += 1
        while k < last and data[k] == 61:
            k += 1
        if k < last and data[k] == 93 and k - start - 1 == level:
            return k + 1
    return -1


@compiled
def _after_line(data: NDArray[np.uint8], i: int, first: int, last: int, mark: int) -> int:
    """Where the comment that begins the line at `i` ends; `i` if the line begins with something else."""
    c, following = data[i], data[i + 1] if i + 1 < last else np.uint8(0)
    lower, second = c | 32, following | 32
    if (
        (mark & L_HASH and c == 35)
        or (mark & L_PREPROCESSOR and c == 35 and _KINDS[following] != _WORD)
        or (mark & L_SEMICOLON and c == 59)
        or (mark & L_BANG and c == 33)
        or (mark & L_QUOTE and c == 34)
        or (mark & L_ROFF and (c == 46 or c == 39) and following == 92)
    ):
        return _line_end(data, i, last)
    if mark & L_FORTRAN and _begins_line(data, i, first) and (lower == 99 or c == 42) and _KINDS[following] != _WORD:
        return _line_end(data, i, last)
    if mark & L_REM:
        k = i + 1 if c == 64 else i
        rem = k + 2 < last and data[k] | 32 == 114 and data[k + 1] | 32 == 101 and data[k + 2] | 32 == 109
        if (c == 58 and following == 58) or (rem and _is_apart(data, k + 3, last)):
            return _line_end(data, i, last)
    dnl = i + 2 < last and c == 100 and following == 110 and data[i + 2] == 108
    if mark & L_DNL and dnl and (i + 3 >= last or _KINDS[data[i + 3]] != _WORD):
        return _line_end(data, i, last)
    if mark & L_AT_C and c == 64 and following == 99 and (_is_apart(data, i + 2, last) or data[i + 2] == 111):
        return _line_end(data, i, last)
    pod = (mark & PERL and 97 <= second <= 122) or (mark & RUBY and following == 98)  # =begin
    if pod and c == 61 and _begins_line(data, i, first):
        return _after_pod(data, i, last, np.uint8(99 if mark & PERL else 101))
    if mark & MATLAB and c == 37 and following == 123 and _is_apart(data, i + 2, last):
        k = i
        while k < last and not (data[k] == 37 and k + 1 < last and data[k + 1] == 125):
            k += 1
        return min(last, k + 2)
    return i


@compiled
def _after_pod(data: NDArray[np.uint8], i: int, last: int, end: np.uint8) -> int:
    """The end of the line that begins with `=` and the first letter of `cut` or `end`, or of all."""
    while i < last:
        i = _line_end(data, i, last) + 1
        if i + 1 < last and data[i] == 61 and data[i + 1] == end:
            return _line_end(data, i, last)
    return last


@compiled
def _ends_value(c: np.uint8) -> bool:
    return bool(_KINDS[c] == _WORD or c == 39 or c == 41 or c == 46 or c == 93 or c == 125)


@compiled
def _after_string(data: NDArray[np.uint8], i: int, first: int, last: int, mark: np.int64, gap: bool) -> int:
    """Where the string that begins at `i` ends; `i` if none begins there. A string keeps its white space."""
    c = data[i]
    if not ((mark & DOUBLE and c == 34) or (mark & SINGLE and c == 39) or (mark & BACKTICK and c == 96)):
        return i
    previous = data[i - 1] if i > first and not gap else np.uint8(0)
    if c == 39 and mark & APOSTROPHE and _ends_value(previous):
        return i
    if c == 34 and mark & LONG and (previous == 92 or previous == 63):  # characters of Lisp
        return i
    triple = bool(mark & TRIPLE) and i + 2 < last and data[i + 1] == c and data[i + 2] == c
    many_lines = triple or c == 96 or mark & LONG
    i += 3 if triple else 1
    while i < last:
        if data[i] == 92 and i + 1 < last:
            i += 3 if data[i + 1] == 13 and i + 2 < last and data[i + 2] == 10 else 2
            continue
        if (data[i] == 10 or data[i] == 13) and not many_lines:
            break
        if data[i] == c:
            if not triple:
                i += 1
                break
            if i + 2 < last and data[i + 1] == c and data[i + 2] == c:
                i += 3
                break
        i += 1
    return min(i, last)


@compiled
def _after_pattern(
    data: NDArray[np.uint8], i: int, last: int, before: np.uint8, before2: np.uint8, word: int, word_end: int
) -> int:
    """Where the pattern that begins with the slash at `i` ends; `i` if none begins there or its line has no end of it.

    `before`, `before2`: the last bytes of code before it. `word` to `word_end`: the word that stands last, or nothing.
    Behind a value a slash divides, in a tag it closes. What may be either, such as `)` and `}`, counts as a value: a
    pattern there is read as it would be in another language.
    """
    begins = (before == 0 and word_end == word) or (before == 62 and before2 == 61)  # =>
    if word_end > word:
        acc, begins = _START, False
        for k in range(word, word_end):
            acc = (acc ^ np.uint64(data[k])) * _PRIME
        for known in _BEFORE_PATTERNS:
            begins = begins or known == acc
    else:
        for sign in _SIGNS_BEFORE_PATTERNS:
            begins = begins or before == sign
    if not begins:
        return i
    start, inside, last = i, False, min(last, i + _LONGEST_PATTERN)
    i += 1
    while i < last and data[i] != 10 and data[i] != 13:
        if data[i] == 92:
            i += 1
        elif data[i] == 91:
            inside = True
        elif data[i] == 93:
            inside = False
        elif data[i] == 47 and not inside:
            return i + 1
        i += 1
    return start


@compiled
def _head(data: NDArray[np.uint8], first: int, last: int, mark: int) -> tuple[int, int]:
    """Where the comment at the beginning of a text begins and ends, in any form; -1 and -1 if there is none.

    The line that names an interpreter or a version of XML may stand before it.
    """
    i = first
    for _ in range(2):
        while i < last and (_KINDS[data[i]] == _SPACE or data[i] >= 0xEF and i < first + 3):
            i += 1
        if i + 1 < last and ((data[i] == 35 and data[i + 1] == 33) or (data[i] == 60 and data[i + 1] == 63)):
            i = _line_end(data, i, last)
    if i >= last:
        return -1, -1
    for k in range(2):
        after = _after_brackets(data, i + 2 - k, last) if data[i] == (45, 35)[k] else 0
        if after > 0:
            return i, after
    for n in range(len(_LENGTHS)):
        if (_HEADS >> (_FIRST_BLOCK + n)) & 1 and _stands(data, i, last, _BEGINS[n], _LENGTHS[n, 0]):
            after = _after_block(data, i, last, n, _NESTED[n])
            after = after if after > i else _after_block(data, i, last, n, False)
            if after > i:
                return i, after
    if not mark & HEAD:
        return -1, -1
    sign, start, end, lines = data[i], i, i, 0
    known = False
    for one in _SIGNS_OF_HEADS:
        known = known or sign == one
    while known and i < last and data[i] == sign and _is_mark_of_head(data, i, last):
        lines += 1
        end = _line_end(data, i, last)
        i = end
        while i < last and _KINDS[data[i]] == _SPACE:
            i += 1
    return (start, end) if lines > 1 else (-1, -1)


@compiled
def _is_mark_of_head(data: NDArray[np.uint8], i: int, last: int) -> bool:
    """Whether the sign that begins a line is alone or doubled, as in `# a`, `## a`, `//a`, `-- a` and `.. a`."""
    sign = data[i]
    doubled = i + 1 < last and (data[i + 1] == sign or (sign == 46 and data[i + 1] == 92))
    return doubled or (_is_apart(data, i + 1, last) and sign not in (47, 45, 46, 58))


@compiled
def _a_line_begins(data: NDArray[np.uint8], first: int, last: int, sign: np.uint8, apart: bool) -> bool:
    """Whether some line of a text begins with a sign, right at its left margin: with a bracket in Lisp and not in C,
    with a `:` or a `\\` that stands `apart` in Forth and not in Fortran or F#."""
    begins, found = True, False
    for i in range(first, last):
        found = found or (begins and data[i] == sign and not (apart and not _is_apart(data, i + 1, last)))
        begins = data[i] == 10 or data[i] == 13
    return found


@compiled
def _told(data: NDArray[np.uint8], first: int, last: int) -> int:
    """The marks of a text whose ending several languages have, by the first line that tells; as C if none does."""
    i = first
    while i < last:
        while i < last and _KINDS[data[i]] == _SPACE:
            i += 1
        if i >= last:
            break
        c, following = data[i], data[i + 1] if i + 1 < last else np.uint8(0)
        if c == 37:
            return _MATLAB
        if (c == 47 and (following == 47 or following == 42)) or (c == 64 and _KINDS[following] == _WORD):
            return _C
        if c == 35:  # a directive, or a comment
            return _C if _KINDS[following] == _WORD else HASH | QUOTES | APOSTROPHE
        if c == 59:
            return SEMICOLON | BLOCK | QUOTES
        if c == 45 and following == 45:
            return DASHES | BLOCK | QUOTES
        if c == 40 and following == 42:
            return PARENTHESES | DOUBLE | LONG
        if c == 39:
            return TICK | DOUBLE
        if c == 60 and following == 63:
            return PHP | MARKUP
        k, acc = i, _START
        while k < last and _KINDS[data[k]] == _WORD:
            acc = (acc ^ np.uint64(data[k])) * _PRIME
            k += 1
        if acc in (_FUNCTION, _CLASSDEF):
            return _MATLAB
        i = _line_end(data, i, last)
    return _C

"""Private keys: the blocks that begin with a line `BEGIN ... PRIVATE KEY`, PuTTY's, and the static keys of OpenVPN.

In: a source. Out: hits on the encoded words of a block, however its lines are parted: by line ends, by their escapes in
strings, addresses and pages, by blanks, or not at all. The words BEGIN and END stay, so that the text still says that a
key was there. Words that only white space parts are one hit; inside string literals each is its own, so that no quote
is eaten. Certificates and public keys are left. One pass over a block, which is at most LONGEST_BLOCK.
"""

from collections.abc import Iterator
from itertools import pairwise

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source

NAME, ENTITIES = "private_key", ("PRIVATE_KEY",)
_KEYWORDS = (b"private key", b"private_key", b"private+key", b"private%20key", b"private-lines:", b"static key")
GATES = {NAME: Condition("PRIVATE(?:[ _+]|%20)KEY|Private-Lines:|OpenVPN Static key", _KEYWORDS)}

LONGEST_BLOCK = 64 << 10  # bytes; the largest RSA and PGP keys in use are below 20 kB
SHORTEST_LINE = 16  # a block holds a key if one of its lines is nothing but this many encoded characters
SHORTEST_WORD = 40  # or if a word among others is as long as this, and of letters of both cases and digits
SHORTEST_WORDS, SHORTEST_COLUMN = 48, 8  # or if a line of this many is made of words of one length, each at least 8
SHORTEST_PART = 4  # a mixed word of this length goes too where most of the block is a key

_BLANK = "(?:[ +]|%20)"
_BEGIN = compile_pattern(
    rf"-{{2,5}}[ ]?BEGIN{_BLANK}(?:[A-Z0-9]{{1,12}}{_BLANK}){{0,3}}PRIVATE(?:_|{_BLANK})KEY"
    rf"(?:{_BLANK}BLOCK)?[ ]?-{{2,5}}"
    r"|Private-Lines:[ ]?[0-9]{1,4}|-----BEGIN OpenVPN Static key V[0-9]-----"
)
_END = compile_pattern(rf"-{{2,5}}[ ]?END{_BLANK}|Private-(?:MAC|Hash):")
# Line ends as they are, and as strings, addresses and pages write them.
_ENDS = r"[\r\n]|\\+(?:[nr]|u000[AaDd]|x0[AaDd])|%(?:25)?0[AaDd]|&#(?:10|13|[Xx]0{0,4}[AaDd]);|<br[ ]?/?>"
_LINE_END = compile_pattern(rf"(?:{_ENDS})+")
_GAP = compile_pattern(rf"(?:\s|{_ENDS}){{0,64}}")
# What a language puts around a line of a string, and between lines that stand in one.
_DECORATION = b" \t\r\"'`+,;#*|>()&.\\"
# Encoded characters, also as an address or a string writes `+`, `/` and `=`.
_WORD = compile_pattern(r"(?:[A-Za-z0-9+/=]|%(?:25)?(?:2[BbFf]|3[Dd])|\\{1,4}(?:/|u00(?:2[BbFf]|3[Dd])))+")
_HEADER = compile_pattern(r"[A-Za-z][A-Za-z0-9-]{0,40}:[ ]")  # `Proc-Type: 4,ENCRYPTED`, `Comment: ...`
_UPPER, _LOWER, _OTHERS = compile_pattern("[A-Z]"), compile_pattern("[a-z]"), compile_pattern("[0-9+/=]")

Span = tuple[int, int]


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    raw, place = source.raw, 0
    for block, begin in enumerate(_BEGIN.finditer(raw)):
        if begin.start() < place:
            continue
        limit = min(len(raw), begin.end() + LONGEST_BLOCK)
        following = next(_BEGIN.finditer(raw, begin.end(), limit), None)
        limit = following.start() if following is not None else limit
        end = next(_END.finditer(raw, begin.end(), limit), None)
        place = begin.end()
        words = _encoded_words(raw, begin.end(), end.start() if end else limit, closed=end is not None)
        for start, stop in joined(raw, words):
            yield Hit(start, stop, "PRIVATE_KEY", "private_key_block", 1.0, block)


def _encoded_words(raw: bytes, start: int, stop: int, closed: bool) -> list[Span]:
    """The words of a key in a block; none if it holds no key.

    An open block ends where the first line follows that is no code. Where most of a closed one is a key, every word in
    it goes that may be a part of one.
    """
    sure: list[Span] = []
    unsure: list[Span] = []
    holds = False
    for first, last in _lines(raw, start, stop):
        words = [(word.start(), word.end()) for word in _WORD.finditer(raw, first, last)]
        if words == [(first, last)] or _is_all_words(raw, first, last, words):
            sure += words
            holds |= last - first >= SHORTEST_LINE
            continue
        if (header := _HEADER.search(raw, first, min(last, first + 48))) and header.start() == first:
            continue
        mixed = [word for word in words if word[1] - word[0] >= SHORTEST_PART and _is_mixed(raw, *word)]
        long = [word for word in mixed if word[1] - word[0] >= SHORTEST_WORD]
        sure += long
        unsure += [word for word in mixed if word[1] - word[0] < SHORTEST_WORD]
        holds |= bool(long)
        if not closed and not long:
            break
    if not holds:
        return []
    is_mostly_key = 2 * sum(right - left for left, right in sure) >= stop - start
    return sorted(sure + unsure) if closed and is_mostly_key else sure


def _lines(raw: bytes, start: int, stop: int) -> Iterator[Span]:
    """The lines of a block without what stands around them; empty ones are left out."""
    ends = [(found.start(), found.end()) for found in _LINE_END.finditer(raw, start, stop)]
    for (_, first), (last, _) in pairwise([(start, start), *ends, (stop, stop)]):
        text = raw[first:last]
        left, right = last - len(text.lstrip(_DECORATION)), first + len(text.rstrip(_DECORATION))
        # `+` is an encoded character too: it belongs to the code that it touches.
        while left < right and raw[left - 1 : left] == b"+" and left > first:
            left -= 1
        while left < right < last and raw[right : right + 1] == b"+":
            right += 1
        if left < right:
            yield left, right


def _is_all_words(raw: bytes, first: int, last: int, words: list[Span]) -> bool:
    """The line is nothing but encoded words with blanks and the like between them: all of one length, but for the
    last, or all such as no language has."""
    if len(words) < 2 or last - first < SHORTEST_WORDS:
        return False
    between = [(first, words[0][0]), *((a[1], b[0]) for a, b in pairwise(words)), (words[-1][1], last)]
    if any(raw[a:b].strip(_DECORATION) for a, b in between):
        return False
    widths = [right - left for left, right in words]
    if len(words) > 2 and len(set(widths[:-1])) == 1 and widths[0] >= max(SHORTEST_COLUMN, widths[-1]):
        return True
    return min(widths[:-1]) >= SHORTEST_LINE and all(_is_mixed(raw, *word) for word in words[:-1])


def _is_mixed(raw: bytes, start: int, stop: int) -> bool:
    """Letters of both cases and something else: no word of a language, and hardly ever a name in code."""
    return all(kind.search(raw, start, stop) is not None for kind in (_UPPER, _LOWER, _OTHERS))


def joined(raw: bytes, words: list[Span]) -> list[Span]:
    """Words with nothing but white space between them become one span."""
    joined: list[Span] = []
    for left, right in words:
        if joined and _GAP.fullmatch(raw, joined[-1][1], left):
            joined[-1] = joined[-1][0], right
        else:
            joined.append((left, right))
    return joined

"""Recognised: encodings that bytes show by themselves, where a file declares none.

In: the bytes of a file that is not UTF-8. Out: its codec and text, or None wherever two readings are possible.
Precision before recall: what is not recognised is rejected, but what is read wrongly is a text that nobody wrote.
Costs 0.2 to 1.3 ms for a file of ten kB.

The encodings of East Asia with two bytes a letter are known by which rows of their tables a text uses. Each table has
its common letters in rows of their own, and the rows of one are rare or empty in the others. The rest are files that
read the same in all encodings of Latin letters: a few signs and letters that stand at one place in all of them. DOS and
the Macintosh have other letters there: a text is theirs too, and so unknown, if each of its letters could be one of
theirs where it stands (`gro\\xe1` is `groß` in DOS, `Jos\\xe9` would be `JosÚ`).
"""

import functools
import re
import unicodedata
from collections.abc import Callable

LEAST = 8
"""Letters beyond ASCII that a text must have before two bytes are believed to be one letter."""

DIFFERENT = 5
"""How many of them must differ."""

_Region = frozenset[str]
_HIGH = re.compile("[^\x00-\x7f]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fc]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_HANZI = re.compile("[\u4e00-\u9fff]")
_FREQUENT_HANGUL = frozenset("이다는을의에가고로하한를은지기사도인서리아대자해시정일수나어그있")


def recognised(content: bytes) -> tuple[str, str] | None:
    """The codec and the text; None if the bytes may be read in more than one way.

    >>> recognised("# コメントです。これは".encode("cp932"))
    ('cp932', '# コメントです。これは')
    >>> recognised("Jörg Müller © 1999".encode("latin-1"))
    ('cp1252', 'Jörg Müller © 1999')
    >>> recognised(b"\\xb3\\xf1") is None
    True
    """
    if _same_in_all_latin(content):
        return "cp1252", content.decode("cp1252")
    found = [
        (codec, text) for codec, is_written in _TESTS if (text := strictly(content, codec)) and _is(is_written, text)
    ]
    return found[0] if len(found) == 1 else None


def strictly(content: bytes, codec: str) -> str | None:
    """The text in that encoding if every byte has a meaning in it, and no letter is unassigned or private."""
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return None
    odd = ("Cc", "Cn", "Co", "Cs")
    return None if any(unicodedata.category(letter) in odd for letter in set(_HIGH.findall(text))) else text


# --- Latin letters

# ÁÂÄÇÉËÍÎÓÔÖÚÜßáâäçéëíîóôöúü: at one place in the tables of Western and Central Europe and of Turkish
_LETTERS = (
    rb"\xc1\xc2\xc4\xc7\xc9\xcb\xcd\xce\xd3\xd4\xd6\xda\xdc\xdf\xe1\xe2\xe4\xe7\xe9\xeb\xed\xee\xf3\xf4\xf6\xfa\xfc"
)
_LATIN = re.compile(
    rb"(?:[\x00-\x7f]"
    # a letter at an ASCII letter, with no other byte beyond ASCII beside it
    rb"|(?<=[A-Za-z])[" + _LETTERS + rb"](?![\x80-\xff])|(?<![\x80-\xff])[" + _LETTERS + rb"](?=[a-z])"
    rb"|(?<=[a-z])[\xe4\xf6\xfc]\xdf(?=[a-z])"  # größer
    # A sign that begins no pair: what follows is below all second bytes (@ and above). Behind a letter most of them are
    # letters of another table.
    rb"|(?<![A-Za-z\x80-\xff])[\xa7\xa9\xab\xae\xb1\xb5\xb7\xbb](?=[\x00-\x2f]|\Z)"
    rb"|(?:(?<=[Tt])\xa9|(?<=[a-z])\xae)(?=[\x00-\x2f]|\Z)"  # copyright©, Windows®
    rb"|(?:(?<=[0-9])|(?<=[0-9] ))\xb0(?=[\x00-\x2f]|\Z)|(?<=[\s0-9])\xa0(?=[\x00-\x3f]|\Z)|(?<=[\x00-\x2f])\xa0(?=\s)"
    rb"|(?<=[\x00-\x2f])[\xa7\xa9\xb1](?=[0-9])|(?<=[\s(\"'])\xab(?=[A-Za-z\s])|(?<![\x80-\xff])\x99(?=[\x00-\x2f]|\Z)"
    # quotes and dashes of Windows
    rb"|(?<=[A-Za-z])\x92(?=[a-z](?:[^\x80-\xff]|\Z))|(?<=[\s(])[\x91\x93](?=[A-Za-z0-9])"
    rb"|(?<=[A-Za-z0-9.,!?;:])[\x92\x94](?=[\s.,;:!?)]|\Z)|(?<=[ 0-9])[\x96\x97](?=[ 0-9\r\n]|\Z)"
    rb")*+\Z"
)
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
# isn’t, it’s, we’re: with an accent instead, hardly anybody writes such an end of a word.
_CONTRACTED = re.compile(rb"(?:n\x92t|[b-z]\x92s|[a-z]\x92(?:re|ve|ll|d|m))(?![A-Za-z])")
_BETWEEN_LETTERS = re.compile(rb"(?<=[A-Za-z])\x92(?=[a-z])")
# Tables of DOS and of the Macintosh have other letters at these places.
_OLDER = ("cp437", "cp850", "cp852", "mac_roman")
# What no word of a language that was written in these tables begins with, and what only stands behind a vowel.
_NEVER_FIRST = frozenset("ìëùûîïôÿßńĺľòőűÈÙÌÛŰËÎÏŮ")
_BEHIND_VOWELS, _VOWELS = frozenset("ßń"), frozenset("aeiouyäöü")


def _same_in_all_latin(content: bytes) -> bool:
    if _LATIN.match(content) is None:
        return False
    padded = b"  " + content + b" "
    places = {padded[found.start() - 2 : found.start() + 2] for found in _HIGH_BYTE.finditer(padded)}
    words = [place for place in places if _is_in_word(place)]
    if not all(_is_spelt(place.decode("cp1252")) for place in words if place[2] >= 0xC0):
        return False
    shortened = len(_CONTRACTED.findall(content))
    if not words or (shortened and shortened == len(_BETWEEN_LETTERS.findall(content))):
        return True
    return not any(all(_is_spelt(place.decode(codec)) for place in words) for codec in _OLDER)


def _is_in_word(place: bytes) -> bool:
    """Whether a letter or a quote of Windows touches an ASCII letter; signs are judged by the pattern alone."""
    return (place[2] >= 0xC0 or 0x91 <= place[2] <= 0x94) and (place[1:2].isalpha() or place[3:].isalpha())


def _is_spelt(place: str) -> bool:
    """Whether a letter may stand where it does: two letters before it, one behind it, in a language with such words."""
    earlier, before, letter, after = tuple(place)
    if letter in "…”’":  # of the Macintosh
        return before.isalpha() and not after.isalpha()
    if letter in "«‘“":
        return not before.isalpha()
    if not (letter.isalpha() and unicodedata.name(letter).startswith("LATIN ")) or letter in "ªºƒﬂ":
        return False
    if letter in _NEVER_FIRST and not before.isalpha():
        return False
    if (letter in _BEHIND_VOWELS and before not in _VOWELS) or (letter == "õ" and after not in "em"):
        return False
    if letter == "þ" and before.isalpha():
        return False
    if letter.isupper():
        return not before.islower() and not (before.isalpha() and after.islower())
    return not before.isupper() or after.islower() or not (earlier.isupper() or after.isupper())


# --- two bytes a letter


def _is(is_written: Callable[[str], bool], text: str) -> bool:
    # One word over and over is no evidence, however often: a word of two letters may be a word in two tables.
    high = _HIGH.findall(text)
    return len(high) >= LEAST and len(set(high)) >= DIFFERENT and is_written(text)


def _japanese(text: str) -> bool:
    high = _HIGH.findall(text)
    kana = sum(map(len, _KANA.findall(text)))
    return kana >= 0.15 * len(high) and _share(high, _rows("euc_jp")) >= 0.9


def _korean(text: str) -> bool:
    high, hangul = _HIGH.findall(text), _HANGUL.findall(text)
    frequent = sum(letter in _FREQUENT_HANGUL for letter in hangul)
    return len(hangul) >= LEAST and frequent >= 0.2 * len(hangul) and _share(high, _rows("euc_kr")) >= 0.9


def _simplified(text: str) -> bool:
    high, hanzi = _HIGH.findall(text), _HANZI.findall(text)
    pairs = [pair for letter in hanzi if len(pair := letter.encode("gb2312", "ignore")) == 2]
    return (
        len(hanzi) >= LEAST
        and len(_KANA.findall(text)) <= 0.02 * len(high)
        and _share(high, _rows("gb2312")) >= 0.9
        # Rows that Korean and Japanese leave empty, and second bytes that single letters of Cyrillic never are.
        and sum(pair[0] >= 0xD0 for pair in pairs) >= 0.1 * len(hanzi)
        and sum(pair[1] < 0xC0 for pair in pairs) >= 0.1 * len(hanzi)
    )


def _traditional(text: str) -> bool:
    high, hanzi = _HIGH.findall(text), _HANZI.findall(text)
    low = sum(len(pair) == 2 and pair[1] < 0x80 for letter in hanzi if (pair := letter.encode("big5", "ignore")))
    return len(hanzi) >= LEAST and low >= 0.15 * len(hanzi) and _share(high, _rows("big5")) >= 0.9


_TESTS = (
    ("cp932", _japanese),
    ("euc_jp", _japanese),
    ("cp949", _korean),
    ("gb18030", _simplified),
    ("big5hkscs", _traditional),
)

# First bytes of the rows of signs, letters and common ideographs.
_COMMON_ROWS = {
    "gb2312": (0xA1, 0xA2, 0xA3, *range(0xB0, 0xD8)),
    "big5": (0xA1, 0xA2, 0xA3, *range(0xA4, 0xC7)),
    "euc_jp": (0xA1, 0xA2, 0xA3, 0xA4, 0xA5, *range(0xB0, 0xD0)),
    "euc_kr": (0xA1, 0xA2, 0xA3, *range(0xB0, 0xC9)),
}


@functools.cache
def _rows(table: str) -> _Region:
    rows = _COMMON_ROWS[table]
    pairs = (bytes((first, second)) for first in rows for second in range(0x40, 0xFF))
    return frozenset("".join(pair.decode(table, "ignore") for pair in pairs)) - frozenset(map(chr, range(128)))


def _share(letters: list[str], region: _Region) -> float:
    return sum(letter in region for letter in letters) / max(1, len(letters))

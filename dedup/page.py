"""The page: the largest and the most doubtful clusters of a run as one HTML file that needs nothing else.

In: plain rows and differences. Out: HTML. No script, no link, no picture; a policy in its head forbids all of them, and
allows its own style alone. Everything from a run is escaped. It follows the reader's choice of light or dark.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gleanery.dedup.difference import GAP, Row, printable

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c22; --paper: #fdfdfb; --soft: #61616b; --line: #dcdce2; --cut: #fbe3e1;
  --add: #dff2e1; --mark: #f3f1e6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --paper: #17171b; --soft: #a0a0ab; --line: #36363e;
  --cut: #4b2422; --add: #1f3f28; --mark: #25252b; } }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 84rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } p { max-width: 44rem; }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); } td.number, th.number { text-align: right; }
td { overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .75rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
summary b { font-variant-numeric: tabular-nums; }
details table { table-layout: fixed; font: 13px/1.45 ui-monospace, monospace; }
details td { border: 0; padding: 0 .5rem; white-space: pre-wrap; }
details td.n { width: 3.2rem; text-align: right; color: var(--soft); }
details col.n { width: 4.2rem; }
.changed .l, .left .l { background: var(--cut); } .changed .r, .right .r { background: var(--add); }
.gap td { background: var(--mark); color: var(--soft); text-align: center; }
"""


@dataclass(frozen=True)
class Pair:
    """A dropped file beside the one that was kept: a line about both, their measure, and their difference."""

    similarity: float
    reason: str
    dropped: str
    kept: str
    rows: Sequence[Row]


def page(title: str, tables: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]], pairs: Sequence[Pair]) -> str:
    """The whole file. `tables`: heading, a sentence about it, and its rows, of which all have the same keys."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_shown(title)}</h1>",
    ]
    for heading, sentence, rows in tables:
        parts += [f"<h2>{_shown(heading)}</h2>", f'<p class="soft">{_shown(sentence)}</p>', *_table(rows)]
    parts.append("<h2>The most doubtful duplicates</h2>")
    about = "Files that were dropped on the weakest likeness, the kept one at the right."
    parts.append(f'<p class="soft">{about if pairs else "No file was dropped as a near duplicate."}</p>')
    for pair in pairs:
        parts += _difference(pair)
    return "\n".join([*parts, "</body>\n</html>\n"])


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "<p>None.</p>"
        return
    number = {name: all(isinstance(row[name], int | float | None) for row in rows) for name in rows[0]}
    heads = "".join(f"<th{_class(number[name])}>{_shown(name.replace('_', ' '))}</th>" for name in rows[0])
    yield f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>'
    for row in rows:
        yield (
            "<tr>" + "".join(f"<td{_class(number[name])}>{_shown(value)}</td>" for name, value in row.items()) + "</tr>"
        )
    yield "</tbody>\n</table></div>"


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _difference(pair: Pair) -> Iterator[str]:
    said = f"<b>{pair.similarity:.3f}</b> {_shown(pair.reason)}: {_shown(pair.dropped)} <span class=soft>against</span>"
    yield f"<details>\n<summary>{said} {_shown(pair.kept)}</summary>"
    yield '<table><colgroup><col class="n"><col><col class="n"><col></colgroup>\n<tbody>'
    for row in pair.rows:
        if row.kind == GAP:
            yield f'<tr class="gap"><td colspan="4">{_shown(row.left)}</td></tr>'
            continue
        yield (
            f'<tr class="{row.kind}"><td class="n">{row.left_number or ""}</td><td class="l">{_shown(row.left)}</td>'
            f'<td class="n">{row.right_number or ""}</td><td class="r">{_shown(row.right)}</td></tr>'
        )
    yield "</tbody></table>\n</details>"


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return escape(f"{value:,}" if isinstance(value, int) else printable(str(value)))

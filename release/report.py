"""Pages about a run: one HTML file that holds everything it needs.

In: the name of a template of this folder and its values. Out: HTML. A page reaches no network and runs one script,
which sorts and filters its tables; its rules are in a CSP that names script and style by their digests. What comes from
a run was written by strangers: the template escapes it. It follows the reader's choice of light or dark.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from gleanery.release.templates import packaged, template
from gleanery.release.wording import shown


def rendered(name: str, /, **values: Any) -> str:
    """The page as text. The same values give the same bytes."""
    style, script = packaged("report.css"), packaged("report.js")
    page = template(name, shown=shown, size=size)
    return page.render(
        style=Markup(style),  # our own files, whose digests stand in the page's rules
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
        **values,
    )


def share(part: int, whole: int) -> str:
    """A part of a whole in percent.

    >>> share(1, 8), share(0, 0)
    ('12.5 %', '0 %')
    """
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def told_apart(rows: Sequence[Mapping[str, Any]], **urls: str) -> list[dict[str, Any]]:
    """The rows, with the URL behind each name that several sources bear. `urls` says which column has whose URL.

    >>> told_apart([{"repo": "a/b", "url": "one"}, {"repo": "a/b", "url": "two"}], repo="url")[0]["repo"]
    'a/b (one)'
    """
    known: dict[str, set[str]] = {}
    for row in rows:
        for name, url in urls.items():
            known.setdefault(row[name], set()).add(row[url])
    shared = {name for name, found in known.items() if len(found) > 1}
    return [
        dict(row) | {name: f"{row[name]} ({row[url]})" for name, url in urls.items() if row[name] in shared}
        for row in rows
    ]


def size(count: int) -> str:
    """Bytes in the unit that people read.

    >>> size(512), size(4_500_000)
    ('512 B', '4.5 MB')
    """
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):  # the unit in which it ends is the answer
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

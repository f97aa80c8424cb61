"""The card: one page in Markdown that tells people what a release is, made from its tables.

In: a release folder without a manifest, and what the run was set to. Out: `README.md`, with the block at its top that
`datasets` and the usual hubs read. The same release gives the same bytes: no date stands in it, nor the name of the
release, which is a digest of this page too. Costs seven questions to the tables, about a second for 100,000 files.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gleanery.records.files import write_bytes
from gleanery.records.reasons import REASONS
from gleanery.release.report import size
from gleanery.release.templates import packaged, template
from gleanery.release.wording import listed, number, shown
from gleanery.sql.questions import Database, questions, tables_of

CARD = "README.md"
_TEMPLATE_NAME = "card.md"
MOST_ROWS = 20
_ASKED = (
    "released_by_host",
    "funnel",
    "tokens_by_license",
    "tokens_by_language",
    "redactions_by_entity",
    "overrides_in_force",
    "benchmarks",
)
# What Markdown or a table would take for a sign of its own.
_SIGNS = re.compile(r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_SAMENESS = {
    "normalised": "files that are equal but for comments and white space",
    "near": "near duplicates",
    "renamed": "files that are equal but for names",
    "contained": "files that stand inside a longer one",
}
Row = dict[str, Any]


def write_card(release: Path, config: Mapping[str, Any], policy: str, registry_position: int) -> None:
    """Write the page into a release.

    config             the settings as they are published, by section
    policy             name and version of the licence policy
    registry_position  the last rule of the opt-out registry that was taken into account
    """
    with Database(tables_of(release)) as database:
        answers = {name: database.ask(questions()[name], {}).to_pylist() for name in _ASKED}
    page = _TEMPLATE.render(
        **_counted(answers),
        policy=policy,
        registry=config["optout"]["registry"] is not None,
        registry_position=registry_position,
        contact=config["optout"]["contact"],
        dropped=_classes(config["dedup"], "drop"),
        barred=_classes(config["dedup"], "bar"),
        threshold=config["dedup"]["threshold"],
        shingle_tokens=config["dedup"]["shingle_tokens"],
        keep_generated=config["quality"]["keep_generated"],
    )
    write_bytes(release / CARD, page.encode())


def template_digest() -> str:
    """SHA-256 of the page as it is before it is filled in: with another one, a release is made anew."""
    return hashlib.sha256(packaged(_TEMPLATE_NAME).encode()).hexdigest()


def _counted(answers: Mapping[str, list[Row]]) -> Row:
    """What the page says in numbers."""
    hosts, licenses, languages = (answers[name] for name in _ASKED[:1] + _ASKED[2:4])
    documents, tokens = (sum(row[name] for row in licenses) for name in ("documents", "tokens"))
    spans: dict[str, int] = {}
    for row in answers["redactions_by_entity"]:
        spans[row["entity"]] = spans.get(row["entity"], 0) + row["spans"]
    for row in languages:
        row["language"] = row["language"] or "unknown"
    counted = ("repositories", "repositories_released", "files", "documents", "tokens")
    more_hosts = _rest(hosts, counted)
    return {
        "documents": documents,
        "tokens": tokens,
        "bytes": sum(row["bytes"] for row in licenses),
        "repositories": sum(row["repositories_released"] for row in hosts),
        "size_category": Markup(size_category(documents)),
        "size_class": _size_class(tokens),
        "hosts": hosts[:MOST_ROWS],
        "more_hosts": more_hosts and more_hosts | {"hosts": more_hosts["rows"]},
        "crawled": _crawled(hosts),
        "reasons": [row | {"sentence": REASONS[row["reason"]].sentence} for row in answers["funnel"]],
        "licenses": licenses[:MOST_ROWS],
        "more_licenses": _rest(licenses, ("documents", "tokens")),
        "languages": languages[:MOST_ROWS],
        "more_languages": _rest(languages, ("documents", "tokens")),
        "entities": [{"entity": k, "spans": n} for k, n in sorted(spans.items(), key=lambda item: (-item[1], item[0]))],
        "overrides": len(answers["overrides_in_force"]),
        "benchmarks": answers["benchmarks"],
    }


def _rest(rows: Sequence[Row], summed: Iterable[str]) -> Row | None:
    """How many rows a table leaves out, and their sums."""
    left = rows[MOST_ROWS:]
    return {"rows": len(left)} | {name: sum(row[name] for row in left) for name in summed} if left else None


def _crawled(hosts: Sequence[Row]) -> str:
    """Where repositories were read, in a few words."""
    kinds: dict[str, int] = {}
    for row in hosts:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + row["repositories"]
    return listed([f"{number(count, 'repository', 'repositories')} ({kind})" for kind, count in sorted(kinds.items())])


def _classes(dedup: Mapping[str, Any], answer: str) -> str:
    """The classes of sameness that are set to an answer, in words; empty if there is none."""
    found = [said for name, said in _SAMENESS.items() if dedup[name] == answer]
    return listed(found) if found else ""


def size_category(documents: int) -> str:
    """The class of size that hubs know.

    >>> size_category(999), size_category(12_000), size_category(3_000_000_000)
    ('n<1K', '10K<n<100K', '1B<n<10B')
    """
    bounds = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
    place = max(0, len(str(documents)) - 3)
    return (
        f"n<{bounds[0]}" if not place else f"{bounds[place - 1]}<n<{bounds[place]}" if place < len(bounds) else "n>1T"
    )


def _size_class(tokens: int) -> str:
    """The class of size that the European template asks for text: under 1 billion, to 10 trillion, or over."""
    return (
        "less than 1 billion"
        if tokens < 10**9
        else "1 billion to 10 trillion"
        if tokens <= 10**13
        else "more than 10 trillion"
    )


def _cell(value: object) -> Markup:
    """A value as it may stand in a table of Markdown: strangers chose some of them."""
    return Markup(_SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", escape(shown(value))))


_TEMPLATE = template(_TEMPLATE_NAME, cell=_cell, size=size)

"""The duplicates of a run on one page: alarms, classes, the largest and the most doubtful clusters.

In: a run, and the differences of the most doubtful pairs. Out: one HTML file (`report.py`), at most 100 rows a table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gleanery.records.reasons import REASONS
from gleanery.release.report import rendered, share, told_apart
from gleanery.sql.questions import Database, questions, tables_of

LARGEST, MOST_ROWS = 25, 100
Row = dict[str, Any]
# What the classes of sameness mean, from the one that says most to the one that says nothing.
CLASSES = {
    "normalised": "the same tokens, once comments and white space are set aside",
    "near": "most shingles in common, as many as the threshold asks for",
    "renamed": "the same tokens, once every name is replaced by a number",
    "contained": "one stands almost wholly in the other, longer one",
    "none": "measured, and not the same",
}
# Why equal forms may drop nothing, where others do.
_NOT_COMPARED = "these drop nothing, by the settings or since what was set aside is not alike"
_ASKED = ("cluster_alarm", "duplicates_by_repository", "funnel", "largest_clusters", "repository_copies", "sameness")


def duplicate_page(folder: Path, pairs: Sequence[Mapping[str, Any]]) -> str:
    """The page as text.

    `pairs` are files that were left out on the weakest likeness: `similarity`, `reason`, the names `dropped` and
    `kept`, and `rows`, which are the rows of `dedup/difference.py` in printable characters.
    """
    with Database(tables_of(folder)) as database:
        given = {"largest_clusters": {"most": str(LARGEST)}}
        answers = {name: database.ask(questions()[name], given.get(name, {})).to_pylist() for name in _ASKED}
    reasons = _reasons(answers["funnel"])
    losses = told_apart(answers["duplicates_by_repository"], repo="url", kept_in="kept_in_url")
    losses = sorted(losses, key=_most_lost)
    return rendered(
        "duplicate_report.html",
        name=folder.resolve().name,
        cards=_cards(answers, reasons),
        alarms=told_apart(answers["cluster_alarm"], name="url")[:MOST_ROWS],
        reasons=reasons,
        sameness=_classes(answers["sameness"]),
        clusters=answers["largest_clusters"],
        copies=told_apart(answers["repository_copies"], repo="url", stands_in="stands_in_url")[:MOST_ROWS],
        losses=losses[:MOST_ROWS],
        left_out={"copies": len(answers["repository_copies"]) - MOST_ROWS, "losses": len(losses) - MOST_ROWS},
        pairs=pairs,
    )


def _reasons(funnel: Sequence[Row]) -> list[Row]:
    """Files left out as copies, by reason, each with the length of its bar in percent of the longest."""
    found = [row for row in funnel if row["reason"].endswith("_duplicate") or row["reason"] in _OF_OTHERS]
    most = max((row["files"] for row in found), default=0) or 1
    return [
        row | {"sentence": REASONS[row["reason"]].sentence, "width": 100 * row["files"] / most}
        for row in sorted(found, key=lambda row: (-row["files"], row["reason"]))
    ]


_OF_OTHERS = ("restricted_twin", "copy_of_opted_out")


def _classes(rows: Sequence[Row]) -> list[Row]:
    order = list(CLASSES)
    named = [row | {"sentence": CLASSES.get(row["sameness"], "")} for row in rows]
    for row in named:
        if row["sameness"] == "normalised" and not row["drops"]:
            row["sentence"] += f"; {_NOT_COMPARED}"
    return sorted(named, key=lambda row: (order.index(row["sameness"]), not row["drops"], not row["bars"]))


def _cards(answers: Mapping[str, Sequence[Row]], reasons: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Figure, what it counts, and a word on it."""
    files = sum(row["files"] for row in answers["funnel"])
    dropped = sum(row["files"] for row in reasons if row["reason"].endswith("_duplicate"))
    barred = sum(row["files"] for row in reasons) - dropped
    measured = sum(row["pairs"] for row in answers["sameness"])
    same = sum(row["pairs"] for row in answers["sameness"] if row["sameness"] != "none")
    alarms, copies = answers["cluster_alarm"], answers["repository_copies"]
    return [
        (f"{dropped:,}", "files left out as duplicates", f"{share(dropped, files)} of {files:,}"),
        (f"{barred:,}", "files barred by a copy", "whose licence forbids it, or whose owner objected"),
        (f"{measured:,}", "pairs measured", f"{same:,} of them in some class"),
        (f"{len(alarms):,}", "alarms", "one cluster took a large share"),
        (f"{len(copies):,}", "copies of repositories", "half or more stands in another one"),
    ]


def _most_lost(row: Row) -> tuple[int, str, str]:
    return -(row["exact"] + row["not_exact"]), row["repo"] or "", row["kept_in"] or ""

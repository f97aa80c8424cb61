"""The licences of a run on one page, and the queue of what people should look at.

In: a run or a release, and the category of an expression. Out: rows, a CSV, or one HTML file (`report.py`) with at most
500 rows a table.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from gleanery.records.files import write_bytes
from gleanery.records.reasons import REASONS
from gleanery.release.report import rendered, share, size, told_apart
from gleanery.sql.formats import cell
from gleanery.sql.questions import Database, questions, tables_of

MOST_ROWS = 500
Row = dict[str, Any]
Category = Callable[[str | None], str]
# From what asks for nothing to what is not known, with the sentence of each.
CATEGORIES = {
    "public-domain": "not even attribution is owed",
    "permissive": "no more than attribution is owed",
    "weak-copyleft": "changes stay under the licence",
    "copyleft": "whole works stay under the licence",
    "restricted": "some uses are forbidden",
    "unknown": "a licence that could not be identified",
    "none": "no licence was found",
}
# What a row of the queue is about; what a person writes into it; and what helps to decide.
SCOPE, DECISION = ("repository", "path", "header", "blob"), ("expression", "verdict", "by", "reason", "date")
OF_QUEUE = ("doubt", "folder_says", "look_at")  # and of an answer to a row
QUEUE_COLUMNS = (
    "repository",
    "path",
    "header",
    "doubt",
    "files",
    "bytes",
    "whole_repository",
    "folder_says",
    "look_at",
)
DOUBTS = {
    "license_missing": "no licence found",
    "license_unknown": "licence not identified",
    "license_conflict": "licences disagree",
}


def totals(folder: Path) -> list[Row]:
    """Files, bytes and tokens by licence."""
    return _ask(folder, ("files_by_license",))["files_by_license"]


def review_rows(folder: Path) -> list[Row]:
    """What keeps most files out and may be settled by looking at one file, the most bytes first."""
    rows = _ask(folder, ("license_review",))["license_review"]
    return [_with_doubt(row) for row in rows]


def review_queue(folder: Path) -> str:
    """The queue as CSV: one row for each doubt, with empty columns for a person's decision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    helping = ("rank", *(name for name in QUEUE_COLUMNS if name not in (*SCOPE, *OF_QUEUE)), "for_example", "url")
    columns = (*SCOPE, *DECISION, *OF_QUEUE, *helping)
    writer.writerow(columns)
    for row in review_rows(folder):
        values = {"blob": None} | row | dict.fromkeys(DECISION) | {"doubt": row["reason"]}
        writer.writerow([cell(values[name]) for name in columns])
    return out.getvalue()


def write_page(folder: Path, target: Path, category: Category) -> None:
    """Write the page about a run or a release. The same tables give the same bytes."""
    write_bytes(target, report_page(folder, category).encode())


def report_page(folder: Path, category: Category) -> str:
    """The page as text."""
    answers = _ask(folder, _ASKED)
    return rendered("license_report.html", **_sections(folder, answers, category))


_ASKED = (
    "files_by_license",
    "funnel",
    "license_conflicts",
    "license_review",
    "licenses_by_language",
    "overrides_in_force",
    "decided_by",
)


def _ask(folder: Path, names: Iterable[str]) -> dict[str, list[Row]]:
    with Database(tables_of(folder)) as database:
        return {name: database.ask(questions()[name]).to_pylist() for name in names}


def _sections(folder: Path, answers: Mapping[str, list[Row]], category: Category) -> dict[str, Any]:
    licenses = [row | {"category": category(row["license"])} for row in answers["files_by_license"]]
    review = [_with_doubt(row) for row in answers["license_review"]]
    return {
        "name": folder.resolve().name,
        "policies": sorted({row["rule_version"] for row in answers["decided_by"] if "@" in row["rule_version"]}),
        "cards": _cards(answers, licenses, review),
        "categories": _categories(licenses),
        "licenses": licenses[:MOST_ROWS],
        "languages": _languages(answers["licenses_by_language"], category)[:MOST_ROWS],
        "conflicts": told_apart(answers["license_conflicts"], repo="url")[:MOST_ROWS],
        "review": review[:MOST_ROWS],
        "overrides": answers["overrides_in_force"][:MOST_ROWS],
        "funnel": [row | {"sentence": _sentence(row["reason"])} for row in answers["funnel"]],
        "left_out": {
            "licenses": len(licenses) - MOST_ROWS,
            "conflicts": len(answers["license_conflicts"]) - MOST_ROWS,
            "review": len(review) - MOST_ROWS,
            "overrides": len(answers["overrides_in_force"]) - MOST_ROWS,
        },
    }


def _cards(answers: Mapping[str, list[Row]], licenses: list[Row], review: list[Row]) -> list[tuple[str, str, str]]:
    """Figure, what it counts, and a word on it."""
    files, kept = (sum(row[name] for row in licenses) for name in ("files", "kept"))
    doubtful = sum(row["files"] for row in review)
    whole = sum(row["whole_repository"] for row in review)
    return [
        (f"{files:,}", "files read", f"{size(sum(row['bytes'] for row in licenses))}"),
        (f"{kept:,}", "files kept", f"{share(kept, files)} of them, {size(sum(r['bytes_kept'] for r in licenses))}"),
        (f"{len([r for r in licenses if r['kept']]):,}", "licences released", f"of {len(licenses):,} that were found"),
        (
            f"{doubtful:,}",
            "files in doubt",
            f"{len(review):,} doubts to look at; {whole:,} keep a whole repository out",
        ),
        (f"{len(answers['overrides_in_force']):,}", "overrides", "decided by a person"),
    ]


def _categories(licenses: list[Row]) -> list[Row]:
    """Files by category, each with where its bar begins and ends, in percent of all files."""
    total, start, rows = sum(row["files"] for row in licenses) or 1, 0, list[Row]()
    for name, sentence in CATEGORIES.items():
        found = [row for row in licenses if row["category"] == name]
        row: Row = {key: sum(one[key] for one in found) for key in ("files", "kept", "bytes", "tokens")}
        row |= {"name": name, "sentence": sentence, "start": 100 * start / total, "width": 100 * row["files"] / total}
        start += row["files"]
        rows.append(row)
    return rows


def _languages(rows: list[Row], category: Category) -> list[Row]:
    """Released languages: files, tokens, and their licences with the most files."""
    found: dict[str, Row] = {}
    for row in rows:
        name = row["language"] or "unknown"
        entry = found.setdefault(name, {"language": name, "files": 0, "tokens": 0, "bytes": 0, "licenses": []})
        for key in ("files", "tokens", "bytes"):
            entry[key] += row[key]
        entry["licenses"].append((row["license"], row["files"], category(row["license"])))
    most = max((entry["tokens"] for entry in found.values()), default=0) or 1
    ordered = sorted(found.values(), key=lambda entry: (-entry["tokens"], entry["language"]))
    return [entry | {"width": 100 * entry["tokens"] / most} for entry in ordered]


def _with_doubt(row: Row) -> Row:
    return row | {"doubt": DOUBTS.get(row["reason"], row["reason"])}


def _sentence(reason: str) -> str:
    known = REASONS.get(reason)
    return known.sentence if known else ""

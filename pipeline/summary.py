"""The summary of a run, in numbers that the audits give.

In: the folder of a run, or of a release, which holds all but the alarms. Out: sections of plain rows for the command
line to draw. Costs a few column scans, under a second for a hundred thousand files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gleanery.pipeline.run import Report
from gleanery.records.reasons import REASONS
from gleanery.sql.questions import Database, questions, tables_of

TOP = 8


@dataclass(frozen=True)
class Section:
    """One part of the summary: a title, the names of its columns, and its rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def summary(root: Path, report: Report | None = None) -> list[Section]:
    """What a run made of its sources. With a report, also what the run cost."""
    with Database(tables_of(root)) as database:
        held = [questions()[name] for name in ("cluster_alarm", "benchmarks") if database.holds(questions()[name])]
        asked = [questions()[name] for name in _ASKED] + held
        answers = {question.name: database.ask(question, {}).to_pylist() for question in asked}
    sections = [_overview(root, answers, report), _reasons(answers["funnel"])]
    licenses = [(r["license"], r["documents"], r["tokens"]) for r in answers["tokens_by_license"]]
    sections.append(Section("Licences released", ("licence", "files", "tokens"), _first(licenses)))
    languages = [
        (r["language"] or "unknown", r["documents"], r["tokens"], f"{r['bytes_for_each_token']:.2f}")
        for r in answers["tokens_by_language"]
    ]
    columns = ("language", "files", "tokens", "bytes for each token")
    sections.append(Section("Languages released", columns, _first(languages)))
    entities: dict[str, int] = {}
    for row in answers["redactions_by_entity"]:
        entities[row["entity"]] = entities.get(row["entity"], 0) + row["places"]
    rows = tuple(sorted(entities.items(), key=lambda item: (-item[1], item[0])))
    sections.append(Section("Personal data and secrets replaced", ("kind", "places"), rows))
    names = ("benchmark", "problems", "not_looked_for", "found", "files", "left_out")
    if rows := tuple(tuple(row[name] for name in names) for row in answers.get("benchmarks", [])):
        sections.append(Section("Problems of benchmarks", tuple(name.replace("_", " ") for name in names), rows))
    alarms = [
        (
            f"{r['of_what']} {r['name']}",
            r["removed"],
            r["barred"],
            f"{r['share']:.0%}",
            f"{r['example_repo']}:{r['example_path']}",
        )
        for r in answers.get("cluster_alarm", [])
    ]
    if alarms:
        named = ("of", "files removed", "of these barred", "share", "an example; `gleanery duplicates` shows it")
        sections.append(Section("Look at these: one cluster took a large share", named, _first(alarms)))
    dead = tuple((r["stage"], r["error"], r["records"], r["hint"]) for r in answers["dead_letters"])
    if dead:
        sections.append(Section("Not read or not passed on", ("stage", "error", "records", "what to do"), dead))
    return sections


def _first(rows: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """The first rows, and one for those that are left out: how many there are, and the sums of their whole numbers.

    >>> _first([(name, 1, "x") for name in "abcdefghijk"])[-2:]
    (('h', 1, 'x'), ('and 3 more', 3, ''))
    """
    left = rows[TOP:]
    if not left:
        return tuple(rows)
    sums = [sum(column) if isinstance(column[0], int) else "" for column in zip(*left, strict=True)]
    return (*rows[:TOP], (f"and {len(left)} more", *sums[1:]))


_ASKED = ("funnel", "repositories", "tokens_by_license", "tokens_by_language", "redactions_by_entity", "dead_letters")


def _overview(root: Path, answers: Mapping[str, Any], report: Report | None) -> Section:
    status: dict[str, int] = {}
    for row in answers["repositories"]:
        status[row["status"]] = status.get(row["status"], 0) + 1
    verdict: dict[str, int] = {}
    for row in answers["funnel"]:
        verdict[row["verdict"]] = verdict.get(row["verdict"], 0) + row["files"]
    duplicates = sum(r["files"] for r in answers["funnel"] if r["reason"].endswith("_duplicate"))
    shards = sorted([*root.glob("store/tokens/*.bin"), *root.glob("tokens/*.bin")])
    rows: list[tuple[Any, ...]] = [
        ("repositories", ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in sorted(status.items(), reverse=True))),
        ("files in", sum(verdict.values())),
        ("files kept", verdict.get("kept", 0)),
        ("files rejected", verdict.get("rejected", 0)),
        ("of them duplicates", duplicates),
        ("places redacted", sum(r["places"] for r in answers["redactions_by_entity"])),
        ("tokens", sum(r["tokens"] for r in answers["tokens_by_license"])),
        ("shards", f"{len(shards)} ({sum(p.stat().st_size for p in shards) / 1e6:.1f} MB)"),
    ]
    if report is not None and (hidden := report.notes["tokens"].get("hidden_names")):
        rows.append(("paths and names hidden", hidden))
    if report is not None and "known" in report.notes["sign"]:
        signatures = f"{report.notes['sign']['known']:,} of {report.counts['sign']['in']:,} signatures"
        measures = f"{report.notes['pairs']['remembered']:,} of {report.counts['pairs']['in']:,} measures"
        rows.append(("of the earlier run", f"{signatures}, {measures}"))
    if report is not None and report.ran:
        rows.append(("time", f"{sum(report.seconds.values()):.0f} s"))
        rows.append(("peak memory", f"{report.peak_bytes / (1 << 30):.2f} GiB, main process and workers together"))
    return Section("Summary", ("", ""), tuple(rows))


def _reasons(funnel: list[dict[str, Any]]) -> Section:
    rows = tuple((r["reason"], r["files"], REASONS[r["reason"]].sentence) for r in funnel)
    return Section("Files by reason", ("reason", "files", "what it means"), rows)

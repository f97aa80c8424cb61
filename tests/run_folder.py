"""A small run folder for tests: every table, every kind of outcome. All people, projects and addresses are invented.

`good_rows()` gives the rows of a run in which nothing is wrong; a test plants a fault in them and writes them with
`write_run`. Some names are hostile on purpose: quotes, semicolons, a spreadsheet formula, terminal control codes.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gleanery.pipeline.optouts import member_of, names_compared
from gleanery.records.ids import blob_id, file_id, repo_id
from gleanery.records.parquet import table_of, write_table
from gleanery.records.tables import TABLES
from gleanery.release.assemble import assemble

Rows = dict[str, list[dict[str, Any]]]

DETECTOR = "scancode-toolkit 32.5.0 index 1"
MIT_TEXT = "MIT License\n\nCopyright (c) 2019 Ada Invented\n"
GPL_TEXT = "GNU GENERAL PUBLIC LICENSE\nVersion 3\n"
HOSTILE_REPO = "hen/x'); DROP TABLE stg_repos; --"
HOSTILE_PATH = "a\"b'; DELETE FROM decisions; --\x1b[31m.py"
FORMULA_PATH = "=cmd|' /C calc'!A0.py"


class RunBuilder:
    """Adds repositories and files, and keeps all tables in step with each other."""

    def __init__(self) -> None:
        self.rows: Rows = {name: [] for name in TABLES}

    def repo(self, name: str, **values: Any) -> str:
        url = values.pop("url", f"https://github.com/{name}")
        row = {
            "repo_id": repo_id(url),
            "name": name,
            "kind": "git",
            "url": url,
            "aliases": [],
            "given_names": [],
            "version": hashlib.sha1(name.encode()).hexdigest(),
            "default_branch": "main",
            "first_commit_at": 1_500_000_000,
            "status": "read",
        }
        self.rows["repos"].append(row | values)
        return str(row["repo_id"])

    def file(
        self,
        repo: str,
        path: str,
        content: str,
        reason: str = "kept",
        rule: str = "policy/permissive",
        twin: str | None = None,
        similarity: float | None = None,
        said: tuple[str, ...] = (),
        **conclusion: Any,
    ) -> str:
        """A file that was read, its decision and, if kept, its document. `conclusion` overrides the licence's row."""
        raw, ident = content.encode(), file_id(repo, path)
        blob = blob_id(raw)
        self._once("blobs", blob, size=len(raw), encoding="utf-8", names=[path.rpartition("/")[2]], content=raw)
        self.rows["files"].append(
            {"file_id": ident, "repo_id": repo, "path": path, "blob_id": blob, "mode": "100644", "size": len(raw)}
        )
        self._feature(blob, path, content)
        self.rows["license_conclusions"].append(
            {"file_id": ident, "basis": "none", "conflict": False, "uncertain": False, "evidence": []} | conclusion
        )
        self._decide(ident, repo, path, blob, reason, rule, twin, similarity, said)
        if reason == "kept":
            self._document(ident, repo, path, blob, content, conclusion.get("expression"))
        return ident

    def skipped(
        self, repo: str, path: str, reason: str, mode: str = "100644", size: int = 0, link: str | None = None
    ) -> str:
        """A file whose content was not taken."""
        ident = file_id(repo, path)
        about = {"file_id": ident, "repo_id": repo, "path": path, "mode": mode, "size": size}
        self.rows["files"].append(about | {"skipped": reason, "link": link})
        self._decide(ident, repo, path, None, reason, "sources/reading", None, None, (f"{size} bytes, mode {mode}",))
        return ident

    def finding(self, content: str, expression: str | None, copyrights: tuple[str, ...] = (), **values: Any) -> None:
        """What the licence detector found in a content."""
        blob = blob_id(content.encode())
        row = {
            "blob_id": blob,
            "scope": "head",
            "ordinal": 0,
            "detector": DETECTOR,
            "outcome": "found" if expression else "none",
            "expression": expression,
            "copyrights": list(copyrights),
        }
        if expression:
            row |= {"score": 100.0, "rule": f"{expression.lower()}_1.RULE", "start_line": 1, "end_line": 3}
        self.rows["license_findings"].append(row | values)

    def redaction(self, ident: str, entity: str, start: int, end: int, replacement: str) -> None:
        """A replaced span of a kept file."""
        document = next(row for row in self.rows["documents"] if row["file_id"] == ident)
        self.rows["redactions"].append(
            {
                "file_id": ident,
                "blob_id": document["blob_id"],
                "ordinal": document["redactions"],
                "entity": entity,
                "start": start,
                "end": end,
                "new_start": start,
                "replacement": replacement,
                "detector": "rules-1",
                "score": 0.9,
            }
        )
        document["redactions"] += 1

    def _once(self, table: str, ident: str, **values: Any) -> None:
        if all(row["blob_id"] != ident for row in self.rows[table]):
            self.rows[table].append({"blob_id": ident} | values)

    def _feature(self, blob: str, path: str, content: str) -> None:
        name = path.rpartition("/")[2]
        if any((row["blob_id"], row["name"]) == (blob, name) for row in self.rows["features"]):
            return
        self.rows["features"].append(
            {"blob_id": blob, "name": name, "detector": "enry 1", "language": _language(path), "generated": False}
            | {"lines": content.count("\n"), "longest_line": 40, "mean_line": 20.0}
            | {"letter_fraction": 0.7, "encoded_fraction": 0.0}
        )

    def _decide(
        self,
        ident: str,
        repo: str,
        path: str,
        blob: str | None,
        reason: str,
        rule: str,
        twin: str | None,
        similarity: float | None,
        said: tuple[str, ...],
    ) -> None:
        self.rows["decisions"].append(
            {"file_id": ident, "repo_id": repo, "path": path, "blob_id": blob, "reason": reason, "rule": rule}
            | {"verdict": "kept" if reason == "kept" else "rejected", "rule_version": "1", "evidence": list(said)}
            | {"twin_file_id": twin, "similarity": similarity}
        )

    def _document(self, ident: str, repo: str, path: str, blob: str, text: str, license_: str | None) -> None:
        name = next(row["name"] for row in self.rows["repos"] if row["repo_id"] == repo)
        about = {"file_id": ident, "repo_id": repo, "repo": name, "path": path, "blob_id": blob}
        about |= {"license": license_ or "NONE", "language": _language(path)}
        about |= {"text_sha256": hashlib.sha256(text.encode()).hexdigest()}
        self.rows["documents"].append(about | {"redactions": 0, "missing": [], "text": text})
        docs = self.rows["docs"]
        start = sum(row["tokens"] for row in docs)
        place = {"shard": "tokens/part-00000-of-00001.bin", "start": start, "tokens": len(text.split())}
        docs.append(
            {"ordinal": len(docs)} | about | place | {"bytes": len(text.encode()), "ordered_by": "path", "missing": []}
        )


def good_rows() -> Rows:
    """The rows of a run in which nothing is wrong."""
    build = RunBuilder()
    app = build.repo("octo/app", aliases=["octo/old-app"], first_commit_at=1_400_000_000)
    lib = build.repo("octo/lib")
    fork = build.repo("cat/app", fork_of="octo/app", first_commit_at=1_450_000_000)
    gpl = build.repo("dog/gpl", first_commit_at=1_300_000_000)
    package: dict[str, Any] = {
        "url": "pypi/tool",
        "kind": "pypi",
        "version": "1.2.0",
        "default_branch": None,
        "declared_license": "MIT",
    }
    tool = build.repo("pypi/tool", **package)
    hostile = build.repo(HOSTILE_REPO, url="https://example.org/hen/x")
    signal = build.repo("pig/signal", optout_signal=".dataset-optout.json")
    build.repo("eve/objector", status="opted_out", version=None, default_branch=None, first_commit_at=None)
    gone = build.repo("fox/gone", status="failed", version=None, default_branch=None, first_commit_at=None)
    _octo(build, app, lib)
    _others(build, fork, gpl, tool, hostile, signal)
    build.rows["dead_letters"].append(
        {"id": gone, "stage": "crawl", "error": "unreachable", "hint": "check the address, then run again with --retry"}
    )
    build.rows["optout_rules"] += [
        _rule(1, "repo", "github.com/eve/objector"),
        _rule(2, "owner", "github.com/octo"),
        _rule(3, "owner", "github.com/octo", action="unblock"),
        _rule(4, "blob", "0" * 40),
    ]
    build.rows["overrides"].append(
        {"override_id": "abcdef012345", "repository": "nobody/here", "expression": "MIT", "by": "Ada Invented"}
        | {"reason": "=HYPERLINK() in a letter", "date": "2026-11-20"}
    )
    _notices(build.rows)
    return build.rows


def _octo(build: RunBuilder, app: str, lib: str) -> None:
    main = "# Copyright 2019 Ada Invented\n# mail: [EMAIL]\nprint('main')\n"
    build.finding(MIT_TEXT, "MIT", ("Copyright (c) 2019 Ada Invented",), scope="whole")
    mit = from_file("LICENSE", MIT_TEXT, "MIT")
    build.finding(main, None, ("Copyright 2019 Ada Invented",))
    build.file(app, "LICENSE", MIT_TEXT, **own("LICENSE", MIT_TEXT, "MIT"))
    kept = build.file(app, "src/main.py", main, **mit)
    build.redaction(kept, "EMAIL", 38, 45, "[EMAIL]")
    build.file(app, FORMULA_PATH, "cell = 1\n", **mit)
    build.file(app, "src/empty.py", " \n", "empty", "quality/blank", **mit)
    build.file(app, "vendor/jq/jq.js", "var jq = 1\n", "vendored", "quality/vendored", **mit)
    build.skipped(app, "logo.png", "binary", size=9000)
    build.skipped(app, "latest", "symlink", mode="120000", size=11, link="src/main.py")
    header = "# SPDX-License-Identifier: Apache-2.0\ndef add(a, b):\n    return a + b\n"
    build.finding(header, "Apache-2.0", start_line=1, end_line=1)
    weak = "# maybe BSD licensed\nx = 1\n"
    build.finding(weak, "BSD-3-Clause", score=61.5, end_line=1)
    build.file(lib, "add.py", header, **own("add.py", header, "Apache-2.0"))
    build.file(lib, "weak.py", weak, uncertain=True, **own("weak.py", weak, "BSD-3-Clause", score=61.5))
    twin: dict[str, Any] = dict(twin=kept, similarity=0.93, rule="dedup/keeper")
    near = build.file(lib, "main_copy.py", main.replace("main'", "other'"), "near_duplicate", **twin, **mit)
    pair = sorted([_blob(build, kept), _blob(build, near)])
    likeness: dict[str, Any] = {"jaccard": 0.93, "containment": 0.95, "inner_blob_id": pair[0], "sameness": "near"}
    likeness |= {"similarity": 0.93, "duplicate": True, "bars": True}
    likeness |= {"same_normal_form": False, "same_renamed_form": False, "forms_tell": True}
    likeness |= {"shared_code": 0.95, "code_jaccard": 0.9}
    build.rows["pairs"].append({"left_blob_id": pair[0], "right_blob_id": pair[1]} | likeness)
    build.rows["clusters"] += [{"blob_id": blob, "cluster_id": pair[0]} for blob in pair]
    shared = {"contents": 5, "shared": 4, "share": 0.8}
    build.rows["repository_copies"].append({"repo_id": lib, "other_repo_id": app} | shared)
    for row in build.rows["decisions"]:
        if row["repo_id"] == lib and row["verdict"] == "kept":
            row["missing"] = ["near_duplicate: 1"]


def _others(build: RunBuilder, fork: str, gpl: str, tool: str, hostile: str, signal: str) -> None:
    mit = from_file("LICENSE", MIT_TEXT, "MIT")
    main = next(row for row in build.rows["documents"] if row["path"] == "src/main.py")
    copy: dict[str, Any] = dict(twin=main["file_id"], similarity=1.0, rule="dedup/keeper")
    build.file(fork, "src/main.py", main["text"], "exact_duplicate", said=("octo/app had it first",), **copy, **mit)
    build.finding(GPL_TEXT, "GPL-3.0-only", scope="whole")
    strict = from_file("COPYING", GPL_TEXT, "GPL-3.0-only")
    secret = "def secret():\n    return 42\n"
    build.finding(secret, None)
    said = ("GPL-3.0-only is not among the allowed licences",)
    old = build.file(gpl, "secret.py", secret, "license_not_allowed", said=said, **strict)
    twin: dict[str, Any] = dict(twin=old, similarity=1.0, rule="dedup/keeper")
    build.file(fork, "stolen.py", secret, "restricted_twin", **twin, **mit)
    told = build.file(gpl, "data.bin.txt", "no licence here\n", "license_missing")
    build.rows["benchmark_problems"] += [
        {"benchmark": "invented.jsonl", "problem": f"I/{n}", "sha256": "b" * 64, "words": 13, "runs": 7 * n}
        for n in range(3)
    ]
    match = {"benchmark": "invented.jsonl", "problem": "I/2", "start_line": 1, "end_line": 1, "words": 13}
    build.rows["benchmark_matches"].append({"blob_id": _blob(build, told)} | match)
    piece = {"role": "package_metadata", "path": "PKG-INFO", "blob_id": "", "expression": "MIT", "score": 100.0}
    stated: dict[str, Any] = {"expression": "MIT", "directory_expression": "MIT", "basis": "package_metadata"}
    stated["evidence"] = [piece]
    build.file(tool, "tool/run.py", "def run(): pass\n", **stated)
    build.file(hostile, HOSTILE_PATH, "y = 2\n", **mit)
    broken = build.file(hostile, "broken.py", "k = 'x'\n", **mit)
    for table in ("documents", "docs"):
        build.rows[table] = [row for row in build.rows[table] if row["file_id"] != broken]
    for ordinal, row in enumerate(build.rows["docs"]):
        row["ordinal"] = ordinal
    build.rows["dead_letters"].append(
        {"id": broken, "stage": "redact", "error": "not_decodable", "hint": "look at the file in its repository"}
    )
    refused: dict[str, Any] = dict(
        rule="optout/declaration", said=("the repository itself carries .dataset-optout.json",)
    )
    build.file(signal, "no.py", "def no(): pass\n", "owner_opted_out", **refused, **mit)


def _notices(rows: Rows) -> None:
    """What goes with each document: every copyright line behind it, and one text for its licence."""
    lines: dict[str, list[str]] = {}
    for finding in rows["license_findings"]:
        lines.setdefault(finding["blob_id"], []).extend(finding["copyrights"])
    concluded = {row["file_id"]: row for row in rows["license_conclusions"]}
    texts = {row["license"]: f"The text of {row['license']}.\n".encode() for row in rows["docs"]}
    rows["license_texts"] += [
        {"text_id": blob_id(text), "origin": "licence_list", "licenses": [license_], "content": text}
        for license_, text in sorted(texts.items())
    ]
    for row in rows["docs"]:
        blobs = [row["blob_id"], *(piece["blob_id"] for piece in concluded[row["file_id"]]["evidence"])]
        about = {name: row[name] for name in ("file_id", "repo_id", "repo", "path", "license")}
        about["copyrights"] = sorted({line for blob in blobs for line in lines.get(blob, [])})
        about |= {"owed": [row["license"]], "texts": [blob_id(texts[row["license"]])], "notices": []}
        rows["notices"].append(about)


def own(path: str, content: str, expression: str, score: float = 100.0) -> dict[str, Any]:
    """A conclusion from a file's own header."""
    piece = _piece("own_header", path, content, expression, score)
    return {"expression": expression, "header_expression": expression, "basis": "own_header", "evidence": [piece]}


def from_file(path: str, content: str, expression: str) -> dict[str, Any]:
    """A conclusion from a licence file above."""
    piece = _piece("ancestor_file", path, content, expression, 100.0)
    return {"expression": expression, "directory_expression": expression, "basis": "ancestor_file", "evidence": [piece]}


def write_run(root: Path, rows: Mapping[str, list[dict[str, Any]]]) -> Path:
    """Writes every table. `decisions` and `docs` go into two files, so that no question relies on one.

    A row whose key occurred before goes into a file of its own: it is one of the faults that an audit has to find,
    and the writer refuses it within one file. The names that rules are compared with follow from the repositories,
    unless the rows hold others.
    """
    names = rows["optout_names"] or names_compared(
        [member_of({"fork_of": None, "aliases": []} | repo) for repo in rows["repos"]]
    )
    for name in TABLES:
        for number, part in enumerate(_parts(name, names if name == "optout_names" else rows[name])):
            write_table(root / "tables" / name / f"part-{number:05d}.parquet", name, table_of(name, part))
    return root


def _parts(name: str, rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    seen: set[tuple[Any, ...]] = set()
    parts: list[list[dict[str, Any]]] = [[], []] if name in ("decisions", "docs") else [[]]
    usual = len(parts)
    for number, row in enumerate(rows):
        key = tuple(row[column] for column in TABLES[name].key)
        if key in seen:
            parts.append([row])
        else:
            parts[number % usual].append(row)
        seen.add(key)
    return parts


def _piece(role: str, path: str, content: str, expression: str, score: float) -> dict[str, Any]:
    piece = {"role": role, "path": path, "blob_id": blob_id(content.encode()), "expression": expression}
    return piece | {"rule": f"{expression.lower()}_1.RULE", "score": score, "start_line": 1, "end_line": 3}


def _rule(seq: int, scope: str, value: str, action: str = "block") -> dict[str, Any]:
    return {"seq": seq, "scope": scope, "value": value, "action": action, "request_id": f"request-{seq}"}


def _blob(build: RunBuilder, ident: str) -> str:
    return next(str(row["blob_id"]) for row in build.rows["files"] if row["file_id"] == ident)


def _language(path: str) -> str | None:
    return {"py": "Python", "js": "JavaScript"}.get(path.rpartition(".")[2])


def compare_with_golden(path: Path, found: str) -> None:
    """Compares with the expected result beside the tests; REWRITE_GOLDEN=1 writes it anew, to be read in the diff."""
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


def write_store(run: Path, rows: Mapping[str, list[dict[str, Any]]]) -> Path:
    """The token store of a run: invented tokens, as many as `docs` says, two bytes each."""
    store = run / "store"
    (store / "tokens").mkdir(parents=True)
    for shard in sorted({row["shard"] for row in rows["docs"]}):
        count = sum(row["tokens"] for row in rows["docs"] if row["shard"] == shard)
        (store / shard).write_bytes(b"".join(number.to_bytes(2, "little") for number in range(count)))
    write_table(store / "docs" / "part-00000-of-00001.parquet", "docs", table_of("docs", rows["docs"]))
    (store / "store.json").write_text('{"format": "gleanery-shards-1"}\n')
    (store / "tokenizer.json").write_text('{"version": "1.0"}\n')
    return store


def assembled_release(folder: Path) -> Path:
    """A release of the good rows without a manifest, and without the pages that are made from its tables."""
    rows = good_rows()
    run = write_run(folder / "run", rows)
    write_store(run, rows)
    assemble(run, folder / "release")
    return folder / "release"

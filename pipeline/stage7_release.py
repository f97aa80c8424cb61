"""Stage 7, release: assemble, ask the gate's questions, and write the manifest last.

In: the tables and the token store of a run. Out: `release/`, which can stand alone and be verified byte for byte. The
gate is every audit question that must return no rows, and a scan of all tokens for what must not be among them; one row
or one control token stops the release. Files are linked, not copied, where the file system can. Costs two reads of all
released files, at the speed of SHA-256 (see pipeline/damage.py for the first), and one of the tokens.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from shlex import quote

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.licensing.answers import ALLOW
from gleanery.licensing.expressions import parse
from gleanery.licensing.names import is_vendored_path, license_role
from gleanery.licensing.texts import license_text
from gleanery.optout.matching import Matcher
from gleanery.optout.networks import blocked_members
from gleanery.optout.registry import Rule
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.optouts import MEMBER_COLUMNS, blocked_sources, member_of
from gleanery.pipeline.release_folder import PLACE, made_by_runs, put_in_place, refuse_other_files, withdraw
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage2_annotate import LICENSE_DETECTOR
from gleanery.pipeline.stage4_judge import policy_of
from gleanery.pipeline.stage5_redact import redactor
from gleanery.pipeline.stage6_pack import grammars
from gleanery.pipeline.steps import PYTHON, Step
from gleanery.privacy.rules import redactor_version
from gleanery.quality.decoding import decode
from gleanery.quality.language import DETECTOR as LANGUAGE_DETECTOR
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.parquet import Written, describe, read_table, table_files, table_rows
from gleanery.release.assemble import assemble
from gleanery.release.card import template_digest, write_card
from gleanery.release.croissant import VERSION as CROISSANT_VERSION
from gleanery.release.croissant import write_croissant
from gleanery.release.gate import gate, stop_if_failed
from gleanery.release.manifest import build_manifest, write_manifest
from gleanery.release.notice_files import write_notices
from gleanery.release.notices import TABLES as NOTICE_TABLES
from gleanery.release.notices import LicenseFacts, make_notices
from gleanery.release.wording import number, shown
from gleanery.shards.store import Store
from gleanery.sql.questions import questions

# Each package whose version can change a byte of a release, beside Python's; with spans, `stage6_pack.grammars` too.
_TOOLS = (
    "gleanery",
    "apache-beam",
    "datasketch",
    "enry-python",
    "license-expression",
    "numpy",
    "presidio-analyzer",
    "pyarrow",
    "scancode-toolkit",
    "tokenizers",
)
# The reasons by which a decision says that an owner has opted out.
OBJECTIONS = ("owner_opted_out", "copy_of_opted_out")
# Sources that could not be read, of which the message names these many.
MOST_NAMED = 3
# In place of a text that cannot be redacted.
NOT_PUBLISHED = b"This text is left out: it holds what looks like a secret each time a part of it is replaced.\n"
# The steps whose counts speak for their stage: what comes into the first of them, and what the last of them keeps.
SPEAKS: Mapping[str, tuple[str, ...]] = {
    "crawl": ("crawl",),
    "annotate": ("annotate",),
    "cluster": ("verify",),
    "select": ("decide",),
    "redact": ("redact", "documents"),
    "pack": ("tokens",),
    "release": ("release",),
}


def stage_counts(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The counts of each stage that is done, from those of its steps.

    >>> step = {"in": 3, "kept": 2, "rejected": 0, "dead": 1}
    >>> stage_counts({"redact": step, "documents": step | {"in": 2, "kept": 1}})
    {'redact': {'in': 3, 'kept': 1, 'rejected': 0, 'dead': 2}}
    """
    found = {}
    for stage, steps in SPEAKS.items():
        if all(step in counts for step in steps):
            lost = {key: sum(counts[step][key] for step in steps) for key in ("rejected", "dead")}
            found[stage] = {"in": counts[steps[0]]["in"], "kept": counts[steps[-1]]["kept"]} | lost
    return found


def release_step(settings: Settings, markers: Mapping[str, Marker], rules: Iterable[Rule]) -> Step:
    """One task: a release is whole or it is not there."""
    payload = {
        "config": settings.public(),
        "counts": stage_counts({name: marker.counts for name, marker in markers.items()}),
        "card": template_digest(),
        "croissant": CROISSANT_VERSION,
        "documents": markers["tokens"].counts["kept"],
        "questions": hashlib.sha256("".join(q.sql for q in questions().values()).encode()).hexdigest(),
        "policy": policy_of(settings).version,
        "registry_position": max((r.seq for r in rules), default=0),
        "tools": {name: version(name) for name in _TOOLS} | PYTHON | grammars(settings) | _detectors(),
    }
    reads = tuple(markers)
    work = f"{__name__}:make_release"
    # Not `release/`: whatever somebody may have put there, a run takes nothing away that no run made.
    tasks, owns = (Task("release", payload),), tuple(f"tables/{name}/*" for name in NOTICE_TABLES)
    return Step("release", "release", "7 of 7  release", work, tasks, {}, reads, owns=owns, unit="documents")


def _detectors() -> dict[str, str]:
    return {"licences": LICENSE_DETECTOR, "language": LANGUAGE_DETECTOR, "redactor": redactor_version()}


def make_release(shard: Shard) -> None:
    """Assemble, check, seal, and put into place. What stood there stays until then, unless an owner in it objects."""
    payload, made = shard.task.payload, shard.data("release")
    if objected := _objected(shard.root):  # before anything can stop the run
        withdraw(shard.root)
    refuse_other_files(shard.root)
    if not payload["documents"]:
        raise _nothing_kept(shard.root, payload["counts"], objected)
    shutil.rmtree(made, ignore_errors=True)
    for path in make_notices(shard.root, license_facts(shard.settings)):
        shard.wrote(path, describe(path))
    assemble(shard.root, made)
    write_notices(made)
    results = gate(shard.root, payload["policy"])
    stop_if_failed(results)
    Store.open(made).scan()
    write_card(made, payload["config"], payload["policy"], payload["registry_position"])
    write_croissant(made, payload["config"], payload["policy"])
    documents = payload["documents"]
    counts = payload["counts"] | {"release": {"in": documents, "kept": documents, "rejected": 0, "dead": 0}}
    manifest = build_manifest(
        made,
        config=payload["config"],
        tools=payload["tools"],
        registry_position=payload["registry_position"],
        policy=payload["policy"],
        counts=counts,
        gate=results,
    )
    write_manifest(made, manifest)
    listed = json.loads(manifest)["files"]
    sealed = {shard.root / PLACE / f["path"]: Written(0, f["bytes"], f["sha256"]) for f in listed}
    for path in put_in_place(shard.root, made):
        shard.wrote(path, sealed.get(path))
    shard.counts |= {"in": documents, "kept": documents}


def forget_notices(root: Path) -> None:
    """Remove the tables that this step makes, before it is known as not finished: audits then take them for new."""
    for path in (path for name in NOTICE_TABLES for path in table_files(root, name)):
        path.unlink()


def _nothing_kept(root: Path, counts: Mapping[str, Mapping[str, int]], objected: bool) -> StopRun:
    said = "no file was kept, so there is nothing to release"
    if objected:
        said += "; the release of before has no manifest now, since owners in it have opted out"
    if dead := counts["crawl"]["dead"]:
        which = f"{number(dead, 'source')} could not be read: {'; '.join(_unread(root))}"
        way = f"--retry reads them again; `gleanery audit dead_letters --run {quote(str(root))}` lists the causes"
        return StopRun(said, f"{which}. Correct the settings, or {way}")
    return StopRun(said, f"see why with `gleanery summary --run {quote(str(root))}`")


def _unread(root: Path) -> list[str]:
    """The first sources that could not be read, each with what was wrong and what to do."""
    names = {row["repo_id"]: row["name"] for row in table_rows(root, "repos", ["repo_id", "name"])}
    letters = table_rows(root, "dead_letters")
    failed = sorted((names[row["id"]], row["error"], row["hint"]) for row in letters if row["id"] in names)
    said = [f"{shown(name)}: {shown(error)} ({shown(hint)})" for name, error, hint in failed[:MOST_NAMED]]
    return [*said, f"and {len(failed) - MOST_NAMED:,} more"] if len(failed) > MOST_NAMED else said


def _objected(root: Path) -> bool:
    """Whether the release that stands there holds something whose owner has opted out, as this run decided."""
    ours = made_by_runs(root)
    paths = [path for path in sorted((root / PLACE / "docs").glob("*.parquet")) if f"docs/{path.name}" in ours]
    if not paths:
        return False
    released = pa.concat_tables([read_table(path, ["file_id", "repo_id"]) for path in paths])
    for path in table_files(root, "repos"):
        repos = read_table(path, ["repo_id", "status"])
        if _any_of(released["repo_id"], repos.filter(pc.equal(repos["status"], "opted_out"))["repo_id"]):
            return True
    for path in table_files(root, "decisions"):
        files = read_table(path, ["file_id", "reason"])
        refused = files.filter(pc.is_in(files["reason"], value_set=pa.array(OBJECTIONS)))
        if _any_of(released["file_id"], refused["file_id"]):
            return True
    return False


def _any_of(values: pa.ChunkedArray, wanted: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.is_in(values, value_set=wanted.combine_chunks())).as_py())


def license_facts(settings: Settings) -> LicenseFacts:
    """What the release asks of the licensing room: names, texts, and the duties that the policy knows."""
    policy = policy_of(settings)

    def names_in(expression: str) -> list[str]:
        tree = parse(policy.chosen(expression) or expression)
        leaves = [] if tree is None else list(tree.leaves())
        return [name for leaf in leaves for name in (leaf.license, leaf.exception) if name]

    def owes_notice(name: str) -> bool:
        """A licence that the policy does not allow was allowed by a person; it may ask for anything."""
        allowed = policy.answer(name) == ALLOW
        return "notice" in policy.obligations(name) if allowed else policy.category(name) != "public-domain"

    return LicenseFacts(names_in, owes_notice, license_text, license_role, is_vendored_path, without_secrets)


def without_secrets(content: bytes) -> bytes:
    """A licence text or a notice as it may be published: with placeholders for keys and passwords, else as it is."""
    text, _ = decode(content)
    encoding = "utf-8"
    if text is None:  # nobody knows its encoding: as Latin-1 each byte stays what it is
        text, encoding = content.decode("latin-1"), "latin-1"
    try:
        published = redactor().without_secrets(text)
    except RejectRecord:
        return NOT_PUBLISHED
    return content if published == text else published.encode(encoding)


def is_to_be_released(settings: Settings, root: Path, rules: Iterable[Rule]) -> bool:
    """Whether these rules, folded in order, cover a repository or a content that this run is to release."""
    rules = list(rules)
    return _any_covered(root / "tables/docs", blocked_sources(settings, rules, root), Matcher(rules))


def is_in_release(settings: Settings, root: Path, rules: Iterable[Rule]) -> bool:
    """Whether they cover something in the release that stands there, which may be of other sources.

    Its repositories are compared by the names that it bears, and by those that the run knows of the same ones.
    """
    rules = list(rules)
    matcher, blocked = Matcher(rules), blocked_sources(settings, rules, root)
    with contextlib.suppress(OSError, pa.ArrowException):  # damaged, or of an older version: it has no more to say
        members = [member_of(row) for row in table_rows(root / PLACE, "repos", MEMBER_COLUMNS)]
        blocked |= blocked_members(members, matcher)
    return _any_covered(root / PLACE / "docs", blocked, matcher)


def _any_covered(docs: Path, blocked: set[str], matcher: Matcher) -> bool:
    for path in sorted(docs.glob("*.parquet")):
        table = read_table(path, ["repo_id", "blob_id"])
        if blocked.intersection(table.column("repo_id").to_pylist()):
            return True
        if any(matcher.blocks_blob(b) for b in table.column("blob_id").to_pylist()):
            return True
    return False

"""Each question on a small run in which nothing is wrong, and on one with its fault planted."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_folder import (
    FORMULA_PATH,
    HOSTILE_PATH,
    HOSTILE_REPO,
    MIT_TEXT,
    Rows,
    RunBuilder,
    compare_with_golden,
    good_rows,
    write_run,
)

from gleanery.dedup.origin import Copy, outweighed
from gleanery.pipeline.optouts import member_of, names_compared
from gleanery.records.errors import StopRun
from gleanery.records.ids import blob_id, repo_id
from gleanery.records.tables import TABLES
from gleanery.sql.folders import BEFORE
from gleanery.sql.formats import to_json
from gleanery.sql.header import HeaderError, parse
from gleanery.sql.questions import Database, Question, ask, questions, tables_of

_UNKNOWN: dict[str, Any] = {"eligible": False, "restricted": False, "opted_out": False, "first_commit_at": None}
_UNKNOWN |= {"fork": False, "vendored": False, "own_license": False}
GOLDEN = Path(__file__).parent / "golden" / "sql"
SECRET = blob_id(b"def secret():\n    return 42\n")
# What each question with a required parameter is asked.
ARGUMENTS: dict[str, dict[str, str]] = {
    "cluster_of": {"repo": "octo/app", "path": "src/main.py"},
    "copies_of": {"repo": "octo/app"},
    "dead_letters_of": {"repo": "fox/gone"},
    "evidence_of": {"repo": "octo/lib"},
    "files_called": {"path": "MAIN.py"},
    "find_path": {"repo": "octo/app", "path": "main.py"},
    "find_repository": {"repo": "octo/ap"},
    "impact_of": {"repo": "Octo/App"},
    "license_tree": {"repo": "octo/app"},
    "measured_against": {"repo": "octo/app", "path": "src/main.py"},
    "optout_rules_of": {"repo": "octo/app"},
    "origins_of_blob": {"blob": f"swh:1:cnt:{SECRET}"},
    "published_elsewhere": {"repo": "cat/app"},
    "reasons_of": {"repo": "octo/old-app"},
    "mentions_of": {"text": "RETURN"},
    "redactions_of": {"repo": "octo/app"},
    "tokens_of": {"repo": "octo/app"},
    "why_rejected": {"repo": "cat/app", "path": "stolen.py"},
}


def row(rows: Rows, table: str, **values: Any) -> dict[str, Any]:
    """The first row of a table that has these values."""
    return next(r for r in rows[table] if all(r.get(k) == v for k, v in values.items()))


def of_file(rows: Rows, table: str, path: str = "src/main.py", repo: str = "octo/app") -> dict[str, Any]:
    """The row of a table that is about one file."""
    repository = row(rows, "repos", name=repo)["repo_id"]
    ident = row(rows, "files", repo_id=repository, path=path)["file_id"]
    return row(rows, table, file_id=ident)


def rule(value: str, scope: str = "repo") -> Callable[[Rows], None]:
    """Plants a rule of the registry that blocks something which was kept."""

    def plant(rows: Rows) -> None:
        planted = {"seq": 99, "scope": scope, "value": value, "action": "block", "request_id": None}
        rows["optout_rules"].append(planted)

    return plant


def change(table: str, path: str = "src/main.py", repo: str = "octo/app", /, **values: Any) -> Callable[[Rows], None]:
    """Plants other values in the row of one file."""
    return lambda rows: of_file(rows, table, path, repo).update(values)


def drop(table: str, path: str = "src/main.py", repo: str = "octo/app") -> Callable[[Rows], None]:
    """Takes the row of one file out of a table."""
    return lambda rows: rows[table].remove(of_file(rows, table, path, repo))


def twice(table: str, **values: Any) -> Callable[[Rows], None]:
    """Repeats the row of one file, with other values."""
    return lambda rows: rows[table].append(of_file(rows, table) | values)


def change_repo(repo: str, /, **values: Any) -> Callable[[Rows], None]:
    """Plants other values in a repository."""
    return lambda rows: row(rows, "repos", name=repo).update(values)


def both(*plants: Callable[[Rows], None]) -> Callable[[Rows], None]:
    """Several faults at once."""

    def plant(rows: Rows) -> None:
        for one in plants:
            one(rows)

    return plant


def fork_of_an_objector(rows: Rows) -> None:
    change_repo("octo/lib", fork_of="octo/middle")(rows)
    change_repo("cat/app", name="octo/middle", fork_of="zoe/root", url="https://github.com/octo/middle")(rows)
    rule("github.com/zoe/root")(rows)


def a_fork_does_not_speak_for_its_origin(rows: Rows) -> None:
    rule("github.com/cat/app")(rows)


def no_dead_letter(rows: Rows) -> None:
    rows["dead_letters"].clear()


def no_dead_letter_of_the_repository(rows: Rows) -> None:
    rows["dead_letters"] = [letter for letter in rows["dead_letters"] if letter["stage"] != "crawl"]


def blocked_in_no_repository(rows: Rows) -> None:
    rule(str(of_file(rows, "docs")["blob_id"]), "blob")(rows)
    rows["repos"].remove(row(rows, "repos", name="octo/app"))


KEY_BODY = base64.b64encode(bytes(range(200))).decode()  # no key at all, only formed like one


def key_of(body: str) -> Callable[[Rows], None]:
    """Plants a text with this between the lines of a private key."""
    text = f'KEY = "-----BEGIN RSA PRIVATE KEY-----\\n{body}\\n-----END RSA PRIVATE KEY-----"\n'
    return change("documents", text=text)


def private_key_released(rows: Rows) -> None:
    key_of(KEY_BODY)(rows)


def encoded_key_released(rows: Rows) -> None:
    private_key_released(rows)
    of_file(rows, "documents").update(text=base64.b64encode(of_file(rows, "documents")["text"].encode()).decode())


def unarmoured_key(bytes_behind: int) -> Callable[[Rows], None]:
    """Plants what a key holds, without the lines around it."""
    head = bytes.fromhex("308204be020100300d06092a864886f70d0101010500048204a8")
    body = base64.b64encode(head + bytes(range(bytes_behind))).decode()  # no key at all, only formed like one
    return change("documents", text=f'rsa = "{body}"\n')


def copies(**likeness: Any) -> Callable[[Rows], None]:
    """Plants a pair of two released contents."""

    def plant(rows: Rows) -> None:
        weak, pair = of_file(rows, "docs", "weak.py", "octo/lib"), of_file(rows, "docs")
        left, right = sorted([weak["blob_id"], pair["blob_id"]])
        between = {"left_blob_id": left, "right_blob_id": right, "inner_blob_id": left}
        rows["pairs"].append(rows["pairs"][0] | between | likeness)

    return plant


def crowd(sameness: str, third: str = "0" * 40) -> Callable[[Rows], None]:
    """Plants two that are paired with a third only, which is not released: a crowd of equal forms."""

    def plant(rows: Rows) -> None:
        for path, repo in (("weak.py", "octo/lib"), ("add.py", "octo/lib")):
            left, right = sorted([third, str(of_file(rows, "docs", path, repo)["blob_id"])])
            between = {"left_blob_id": left, "right_blob_id": right, "inner_blob_id": left}
            rows["pairs"].append(rows["pairs"][0] | between | {"sameness": sameness, "similarity": 1.0})

    return plant


def spans(*places: tuple[int, int], new_start: int = 38) -> Callable[[Rows], None]:
    """Plants the places of the spans of one document."""

    def plant(rows: Rows) -> None:
        one = of_file(rows, "redactions")
        rows["redactions"] = [
            one | {"ordinal": number, "start": start, "end": end, "new_start": new_start}
            for number, (start, end) in enumerate(places)
        ]
        of_file(rows, "documents").update(redactions=len(places))

    return plant


def overridden(**values: Any) -> Callable[[Rows], None]:
    """Plants an override, by which a file was kept, with other values."""

    def plant(rows: Rows) -> None:
        rows["overrides"].append(OVERRIDE | values)
        of_file(rows, "decisions").update(rule=f"override {OVERRIDE['override_id']}: allow: MIT (attribution)")

    return plant


OVERRIDE = {"override_id": "0123456789ab", "repository": "octo/app", "expression": "MIT", "by": "Ada Invented"} | {
    "reason": "The author wrote it in a letter",
    "date": "2026-11-22",
}
RESERVED = "LicenseRef-gleanery-no-ai-training"
EVIDENCE_OF_NOTHING = {"role": "ancestor_file", "path": "LICENSE", "blob_id": "f" * 40, "expression": "MIT"}
RESERVED_HEAD = {"source": "header", "path": "src/app.py", "expression": RESERVED}
GPL_HEADER = {"header_expression": "GPL-3.0-only", "conflict": True}


def benchmark_released(rows: Rows) -> None:
    rows["benchmark_matches"].append(rows["benchmark_matches"][0] | {"blob_id": of_file(rows, "docs")["blob_id"]})


FAULTS: dict[str, tuple[str, Callable[[Rows], None]]] = {
    "leak by repository": ("leaks", rule("github.com/octo/app")),
    "leak by an old name": ("leaks", rule("github.com/octo/old-app")),
    "leak by owner": ("leaks", rule("github.com/octo", "owner")),
    "leak by group": ("leaks", rule("example.org/hen", "repo")),
    "leak by content": ("leaks", rule(blob_id(MIT_TEXT.encode()), "blob")),
    "leak by package": ("leaks", both(change_repo("pypi/tool", name="pypi/My_Tool"), rule("pypi/my-tool"))),
    "leak of a fork": ("leaks", fork_of_an_objector),
    "leak of a repository without host": (
        "leaks",
        both(change_repo("pypi/tool", name="ann/tool", url="/mirror/tool"), rule("codeberg.org/ann/tool")),
    ),
    "leak of a local folder": (
        "leaks",
        both(change_repo("pypi/tool", name="ann/tool", url="local:ann/tool"), rule("github.com/ann", "owner")),
    ),
    "leak by a rule in capitals": ("leaks", rule("GitHub.com/Octo/App")),
    "leak by a rule in capitals for a repository without host": (
        "leaks",
        both(change_repo("pypi/tool", name="ann/tool", url="/mirror/tool"), rule("Codeberg.org/Ann/Tool")),
    ),
    "leak of a repository that is not there": ("leaks", blocked_in_no_repository),
    "leak by status": ("leaks", change_repo("octo/lib", status="opted_out")),
    "file without a decision": ("conservation", drop("decisions")),
    "decision without a file": ("conservation", drop("files")),
    "file twice": ("conservation", twice("files")),
    "decision twice": ("conservation", twice("decisions")),
    "document twice": ("conservation", twice("documents")),
    "file of no repository": ("conservation", change("files", repo_id="nobody")),
    "kept and lost": ("conservation", drop("documents")),
    "document of a rejected file": (
        "conservation",
        change("decisions", verdict="rejected", reason="vendored"),
    ),
    "failed in silence": ("conservation", no_dead_letter),
    "one of two failed in silence": ("conservation", no_dead_letter_of_the_repository),
    "decision about another content": ("conservation", change("decisions", blob_id="0" * 40)),
    "kept without content": ("conservation", both(change("files", blob_id=None), change("decisions", blob_id=None))),
    "verdict without reason": ("conservation", change("decisions", reason="vendored")),
    "decision about another path": ("conservation", change("decisions", path="src/other.py")),
    "kept unread": ("conservation", change("files", skipped="binary")),
    "no conclusion": ("released_without_evidence", drop("license_conclusions")),
    "no expression": ("released_without_evidence", change("license_conclusions", expression=None)),
    "no evidence": ("released_without_evidence", change("license_conclusions", evidence=[])),
    "no basis": ("released_without_evidence", change("license_conclusions", basis="none")),
    "evidence of nothing": (
        "released_without_evidence",
        change("license_conclusions", evidence=[EVIDENCE_OF_NOTHING]),
    ),
    "header of nothing": (
        "released_without_evidence",
        change("license_conclusions", "add.py", "octo/lib", evidence=[EVIDENCE_OF_NOTHING | {"role": "own_header"}]),
    ),
    "header says more": ("header_conflicts_released", change("license_conclusions", **GPL_HEADER)),
    "directory not allowed": (
        "header_conflicts_released",
        change("license_conclusions", "add.py", "octo/lib", directory_expression="GPL-3.0-only", conflict=True),
    ),
    "another licence released": ("header_conflicts_released", change("docs", license="0BSD")),
    "override without record": (
        "overrides_out_of_bounds",
        change("decisions", rule="override ffffffffffff: allow: MIT (attribution)"),
    ),
    "override without record or conclusion": (
        "overrides_out_of_bounds",
        both(drop("license_conclusions"), change("decisions", rule="override ffffffffffff: allow: MIT")),
    ),
    "override that nobody signed": ("overrides_out_of_bounds", overridden(by=" ")),
    "override without a reason": ("overrides_out_of_bounds", overridden(reason=" ")),
    "override that denies": ("overrides_out_of_bounds", overridden(verdict="deny")),
    "override of an objection": (
        "overrides_out_of_bounds",
        both(overridden(), change_repo("octo/app", optout_signal="noai.txt")),
    ),
    "override of a reservation": (
        "overrides_out_of_bounds",
        both(overridden(), change("license_conclusions", directory_expression=f"MIT AND {RESERVED}")),
    ),
    "override of a reservation that a record overrides": (
        "overrides_out_of_bounds",
        both(overridden(), change("license_conclusions", claims=[RESERVED_HEAD])),
    ),
    "override for another licence": (
        "released_without_evidence",
        both(overridden(expression="ISC"), change("license_conclusions", expression=None)),
    ),
    "no notice": ("notices_missing", drop("notices")),
    "notice for another licence": ("notices_missing", change("notices", license="ISC")),
    "copyright line left out": ("notices_missing", change("notices", copyrights=[])),
    "copyright line of the licence file left out": (
        "notices_missing",
        change("notices", copyrights=["Copyright 2019 Ada Invented"]),
    ),
    "empty text": ("notices_missing", lambda rows: row(rows, "license_texts", licenses=["MIT"]).update(content=b"")),
    "text left out": ("notices_missing", change("notices", texts=[])),
    "text of another licence": ("notices_missing", change("notices", owed=["MIT", "Apache-2.0"])),
    "notice file not there": ("notices_missing", change("notices", notices=["0" * 40])),
    "signal ignored": ("optout_signal_ignored", change_repo("octo/app", optout_signal="noai.txt")),
    "document without tokens": ("documents_without_tokens", drop("docs")),
    "tokens without document": ("documents_without_tokens", drop("documents")),
    "other language in the store": ("documents_without_tokens", change("docs", language="Ruby")),
    "other text in the store": ("documents_without_tokens", change("docs", text_sha256="0" * 64)),
    "released, not decided": ("released_not_kept", drop("decisions")),
    "released, rejected": ("released_not_kept", change("decisions", verdict="rejected", reason="generated")),
    "released, another content": ("released_not_kept", change("docs", blob_id="0" * 40)),
    "content twice": ("released_duplicates", twice("docs", ordinal=50, file_id="0" * 32, start=500)),
    "text twice": (
        "released_same_text",
        twice("docs", ordinal=50, file_id="0" * 32, blob_id="0" * 40, start=500),
    ),
    "near copy released": ("released_near_duplicates", copies()),
    "copies but for names released": ("released_near_duplicates", crowd("renamed")),
    "copies but for white space released": ("released_near_duplicates", crowd("normalised", "f" * 40)),
    "copies but for names of a late third": ("released_near_duplicates", crowd("renamed", "f" * 40)),
    "copies but for white space of an early third": ("released_near_duplicates", crowd("normalised")),
    "ranges overlap": ("token_ranges", change("docs", start=6)),
    "number missing": ("token_ranges", drop("docs")),
    "no tokens": ("token_ranges", change("docs", tokens=0)),
    "file in two places": ("token_ranges", twice("docs", ordinal=7, start=500)),
    "span not on record": ("redactions_conserved", drop("redactions")),
    "spans overlap": ("redactions_conserved", spans((38, 60), (50, 70))),
    "span of nothing": ("redactions_conserved", spans((38, 38))),
    "span before the text": ("redactions_conserved", spans((38, 45), new_start=-1)),
    "judged by another policy": (
        "decided_by_other_policies",
        change("decisions", rule_version="lax@2020-01-01/sha256:000000000000"),
    ),
    "refused by another policy": (
        "decided_by_other_policies",
        change("decisions", "secret.py", "dog/gpl", rule_version="lax@2020-01-01/sha256:000000000000"),
    ),
    "text changed": ("texts_not_as_recorded", change("documents", text="x = 2  # by a disk\n")),
    "private key released": ("private_keys_released", private_key_released),
    "encoded private key released": ("private_keys_released", encoded_key_released),
    "private key without its lines released": ("private_keys_released", unarmoured_key(200)),
    "problem of a benchmark released": ("benchmark_problems_released", benchmark_released),
    "span of another content": ("redactions_conserved", change("redactions", blob_id="0" * 40)),
}


def kept_of_a_fork(rows: Rows) -> None:
    """Its origin is not blocked, though another repository is."""
    change("decisions", "stolen.py", "cat/app", verdict="kept", reason="kept")(rows)


# What looks like a fault and is none: it would hold up a release for nothing.
NO_FAULTS: dict[str, tuple[str, Callable[[Rows], None]]] = {
    "account named like a repository": ("leaks", rule("github.com/octo/app", "owner")),
    "account named like a repository without host": (
        "leaks",
        both(change_repo("pypi/tool", name="ann/tool", url="/mirror/tool"), rule("codeberg.org/ann/tool", "owner")),
    ),
    "repository of that name on another host": ("leaks", rule("gitlab.com/octo/app")),
    "fork of one that nobody blocked": ("leaks", kept_of_a_fork),
    "kept by an override": ("overrides_out_of_bounds", overridden()),
    "refused by an override": (
        "overrides_out_of_bounds",
        change("decisions", rule="override ffffffffffff: deny", verdict="rejected", reason="license_not_allowed"),
    ),
    "override in place of a conclusion": (
        "released_without_evidence",
        both(overridden(), change("license_conclusions", expression=None)),
    ),
    "override of a header": (
        "header_conflicts_released",
        both(overridden(), change("license_conclusions", **GPL_HEADER)),
    ),
    "another step has its own version": (
        "decided_by_other_policies",
        change("decisions", "vendor/jq/jq.js", rule_version="quality-7"),
    ),
    "document of one token": ("token_ranges", lambda rows: rows["docs"][-1].update(tokens=1)),
    "likeness that drops nothing": ("released_near_duplicates", copies(duplicate=False)),
    "one inside the other": ("released_near_duplicates", copies(sameness="contained")),
    "both near to a third": ("released_near_duplicates", both(crowd("near"), crowd("near", "f" * 40))),
    "spans that touch": ("redactions_conserved", spans((0, 10), (10, 20), new_start=0)),
    "small letters for a key": ("private_keys_released", key_of(KEY_BODY.lower())),
    "capitals for a key": ("private_keys_released", key_of(KEY_BODY.upper())),
    "letters for a key": ("private_keys_released", key_of("aX" * 64)),
    "beginning of a key": ("private_keys_released", unarmoured_key(18)),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The table files of the run in which nothing is wrong."""
    before = good_rows()
    change("decisions", "add.py", "octo/lib", verdict="rejected", reason="generated")(before)
    drop("decisions", "weak.py", "octo/lib")(before)
    change("decisions", "main_copy.py", "octo/lib", verdict="kept", reason="kept", twin_file_id=None)(before)
    earlier = write_run(tmp_path_factory.mktemp("before"), before)
    return tables_of(write_run(tmp_path_factory.mktemp("run"), good_rows()), earlier)


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_question_answers_as_expected(name: str, good: dict[str, list[Path]]) -> None:
    answer = ask(questions()[name], good, ARGUMENTS.get(name, {}))
    compare_with_golden(GOLDEN / f"{name}.json", to_json(answer))
    assert not (questions()[name].must_be_empty and answer.num_rows)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    name, plant = FAULTS[fault]
    rows = good_rows()
    plant(rows)
    answer = ask(questions()[name], tables_of(write_run(tmp_path, rows)), {})
    assert answer.num_rows > 0
    compare_with_golden(GOLDEN / "faults" / f"{name}.{fault.replace(' ', '_').replace(',', '')}.json", to_json(answer))


@pytest.mark.parametrize("case", sorted(NO_FAULTS))
def test_what_is_no_fault_holds_up_no_release(case: str, tmp_path: Path) -> None:
    name, plant = NO_FAULTS[case]
    rows = good_rows()
    plant(rows)
    assert ask(questions()[name], tables_of(write_run(tmp_path, rows)), {}).to_pylist() == []


@pytest.mark.parametrize(("policy", "others"), [("1", False), ("permissive@2020-01-01", True)])
def test_the_policy_that_a_manifest_names_judged_all(policy: str, others: bool, good: dict[str, list[Path]]) -> None:
    answer = ask(questions()["decided_by_other_policies"], good, {"policy": policy})
    assert bool(answer.num_rows) == others


def test_every_question_that_must_be_empty_has_a_planted_fault() -> None:
    assert {name for name, q in questions().items() if q.must_be_empty} == {name for name, _ in FAULTS.values()}


def test_a_rule_that_was_taken_back_blocks_nothing(good: dict[str, list[Path]]) -> None:
    assert ask(questions()["leaks"], good, {}).num_rows == 0  # rules 2 and 3 are about octo, which is kept


def test_a_repository_that_was_compared_under_no_name_leaks(tmp_path: Path) -> None:
    rows = good_rows()
    others = [repo for repo in rows["repos"] if repo["name"] != "octo/app"]
    rows["optout_names"] = names_compared([member_of({"fork_of": None, "aliases": []} | repo) for repo in others])
    answer = ask(questions()["leaks"], tables_of(write_run(tmp_path, rows)), {})
    assert set(answer.column("repo").to_pylist()) == {"octo/app"} and set(answer.column("via").to_pylist()) == {
        "no_name"
    }


@pytest.mark.parametrize(
    "origin",
    ["https://github.com/Octo/App.git", "github.com/octo/app/", "OCTO/OLD-APP", "git@github.com:octo/app.git"],
)
@pytest.mark.parametrize("name", ["copies_of", "repository_copies", "duplicates_by_repository"])
def test_a_fork_is_known_however_it_names_its_origin(
    tmp_path: Path, good: dict[str, list[Path]], name: str, origin: str
) -> None:
    rows = good_rows()
    assert row(rows, "repos", name="octo/app")["url"] == "https://github.com/octo/app"
    change_repo("cat/app", fork_of=origin)(rows)
    question = questions()[name]
    arguments = ARGUMENTS.get(name, {})
    assert ask(question, tables_of(write_run(tmp_path, rows)), arguments) == ask(question, good, arguments)


ADDRESSES = (
    *("https://github.com/octo/app.git", "https://github.com/Octo/App/", "http://github.com/octo/app"),
    *("github.com/octo/app", "git@github.com:octo/app.git", "ssh://github.com/octo/app"),
)


def test_a_repository_is_found_however_its_address_is_written(good: dict[str, list[Path]]) -> None:
    with Database(good) as database:
        (repository,) = database.named("octo/app")
        for asked in ADDRESSES:
            assert database.named(asked) == [repository], asked
            found = database.ask(questions()["find_repository"], {"repo": asked}).to_pylist()
            assert [row["name"] for row in found if row["is_same"]] == ["octo/app"]
        others = database.ask(questions()["find_repository"], {"repo": "gitlab.com/octo/app"}).to_pylist()
        assert not any(row["is_same"] for row in others)
        for name, question in questions().items():
            if name != "find_repository" and any(parameter.name == "repo" for parameter in question.parameters):
                arguments = ARGUMENTS.get(name, {}) | {"repo": "octo/app"}
                assert database.ask(question, arguments | {"repo": ADDRESSES[4]}) == database.ask(question, arguments)


@pytest.mark.parametrize(
    ("plant", "listed"),
    [
        (change_repo("octo/lib", optout_signal="noai.txt"), True),
        (change_repo("octo/lib", status="opted_out"), True),
        (change("decisions", "add.py", "octo/lib", verdict="rejected", reason="owner_opted_out"), True),
        (change("decisions", "add.py", "octo/lib", verdict="rejected", reason="copy_of_opted_out"), True),
        (
            both(
                change("decisions", "add.py", "octo/lib", verdict="rejected", reason="license_not_allowed"),
                change("license_conclusions", "add.py", "octo/lib", directory_expression=f"MIT AND {RESERVED}"),
            ),
            True,
        ),
        (change("decisions", "add.py", "octo/lib", verdict="rejected", reason="license_not_allowed"), False),
    ],
)
def test_whoever_said_no_in_any_way_is_listed(tmp_path: Path, plant: Callable[[Rows], None], listed: bool) -> None:
    rows = good_rows()
    plant(rows)
    answer = ask(questions()["opted_out"], tables_of(write_run(tmp_path, rows)), {})
    assert ("octo/lib" in answer.column("repo").to_pylist()) == listed


def _licence(rows: Rows) -> None:
    change("license_conclusions", "add.py", "octo/lib", expression="ISC")(rows)


def _declared(rows: Rows) -> None:
    change("decisions", "add.py", "octo/lib", reason="owner_opted_out", verdict="rejected")(rows)


def _unread(rows: Rows) -> None:
    drop("decisions", "add.py", "octo/lib")(rows)
    change_repo("octo/lib", status="failed")(rows)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (_licence, "its licence is now ISC, and was Apache-2.0"),
        (_declared, "its owner objects now"),
        (_unread, "its repository could not be read this time"),
    ],
)
def test_what_an_owner_changed_is_not_blamed_on_a_rule(fault: Callable[[Rows], None], why: str, tmp_path: Path) -> None:
    before, now = good_rows(), good_rows()
    fault(now)
    if fault is _licence:
        change("decisions", "add.py", "octo/lib", reason="license_conflict", verdict="rejected")(now)
    tables = tables_of(write_run(tmp_path / "now", now))
    tables |= {f"{BEFORE}{name}": files for name, files in tables_of(write_run(tmp_path / "before", before)).items()}
    found = {row["path"]: row["why"] for row in ask(questions()["changes"], tables, {}).to_pylist()}
    assert found["add.py"] == why


def test_sources_of_one_name_are_counted_each_by_itself(tmp_path: Path) -> None:
    """cat/app bears the name of octo/lib, on another host: each lost one file to octo/app."""
    rows = good_rows()
    change_repo("cat/app", name="octo/lib", url="https://gitlab.com/octo/lib")(rows)
    hosts = ("https://github.com/octo/lib", "https://gitlab.com/octo/lib")
    for path, repo in (("weak.py", hosts[0]), ("stolen.py", hosts[1])):
        ident = row(rows, "repos", url=repo)["repo_id"]
        row(rows, "decisions", repo_id=ident, path=path).update(reason="vendored", verdict="rejected")
        row(rows, "license_conclusions", file_id=row(rows, "files", repo_id=ident, path=path)["file_id"])[
            "conflict"
        ] = True
    tables = tables_of(write_run(tmp_path, rows))

    def told(name: str, **given: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = ask(questions()[name], tables, given).to_pylist()
        return answer

    lost = told("duplicates_by_repository")
    assert [(r["url"], r["exact"], r["not_exact"]) for r in lost] == [(hosts[0], 0, 1), (hosts[1], 1, 0)]
    assert [(r["url"], r["files"]) for r in told("third_party_and_generated") if r["repo"] == "octo/lib"] == [
        (host, 1) for host in hosts
    ]
    assert sorted((r["url"], r["files"]) for r in told("license_conflicts")) == [(host, 1) for host in hosts]
    alarms = {r["url"]: (r["removed"], r["files"]) for r in told("cluster_alarm", share="0.05", least="1") if r["url"]}
    assert alarms == {hosts[0]: (1, 3), hosts[1]: (1, 2)}
    assert {r["url"] for r in told("repositories") if r["repo"] == "octo/lib"} == set(hosts)


def test_a_copy_in_a_source_of_the_same_name_is_a_copy_elsewhere(tmp_path: Path) -> None:
    rows = good_rows()
    change_repo("cat/app", name="octo/app", url="https://gitlab.com/octo/app")(rows)
    tables = tables_of(write_run(tmp_path, rows))
    copies = ask(questions()["copies_of"], tables, {"repo": "octo/app"}).to_pylist()
    here, there = "https://github.com/octo/app", "https://gitlab.com/octo/app"
    assert {(here, there), (there, here)} <= {(r["url"], r["other_url"]) for r in copies if r["path"] == "src/main.py"}
    (elsewhere,) = ask(questions()["published_elsewhere"], tables, {"repo": "octo/app"}).to_pylist()
    assert (elsewhere["url"], elsewhere["released_as_url"], elsewhere["path"]) == (there, here, "src/main.py")


def test_a_licence_that_kept_a_file_out_is_told_before_the_copy_that_it_yields_to_now(tmp_path: Path) -> None:
    before, now = good_rows(), good_rows()
    unlike = {"reason": "license_not_allowed", "twin_file_id": None, "similarity": None}
    change("decisions", "main_copy.py", "octo/lib", **unlike)(before)
    change("decisions", "stolen.py", "cat/app", **unlike)(before)
    ident = row(before, "decisions", path="main_copy.py")["file_id"]
    row(before, "license_conclusions", file_id=ident)["expression"] = "GPL-3.0-only"
    tables = tables_of(write_run(tmp_path / "now", now))
    tables |= {f"{BEFORE}{name}": files for name, files in tables_of(write_run(tmp_path / "before", before)).items()}
    found = {r["path"]: r["why"] for r in ask(questions()["changes"], tables, {}).to_pylist()}
    assert found["main_copy.py"] == "its licence is now MIT, and was GPL-3.0-only"
    assert "licence" not in found["stolen.py"]  # that is the same as before


def test_an_objection_is_told_before_what_changed_with_it(tmp_path: Path) -> None:
    before, now = good_rows(), good_rows()
    objected = {"reason": "owner_opted_out", "verdict": "rejected", "twin_file_id": None, "similarity": None}
    change("decisions", "main_copy.py", "octo/lib", **objected)(now)  # a near duplicate until now
    change("decisions", "src/main.py", blob_id=SECRET, **objected)(now)  # and its content is another
    change("decisions", "src/main.py", "cat/app", reason="copy_of_opted_out")(now)
    tables = tables_of(write_run(tmp_path / "now", now))
    tables |= {f"{BEFORE}{name}": files for name, files in tables_of(write_run(tmp_path / "before", before)).items()}
    found = {(r["repo"], r["path"]): r["why"] for r in ask(questions()["changes"], tables, {}).to_pylist()}
    assert found == {
        ("octo/lib", "main_copy.py"): "its owner objects now",
        ("octo/app", "src/main.py"): "its owner objects now",
        ("cat/app", "src/main.py"): "the owner of what it is a copy of objects now",
    }
    swapped = {name.removeprefix(BEFORE) if BEFORE in name else f"{BEFORE}{name}": t for name, t in tables.items()}
    taken_back = {r["why"] for r in ask(questions()["changes"], swapped, {}).to_pylist() if r["repo"] != "cat/app"}
    assert taken_back == {"its owner no longer objects"}


def test_who_reserved_the_training_of_models_is_among_those_who_said_no(tmp_path: Path) -> None:
    rows = good_rows()
    change("license_conclusions", "weak.py", "octo/lib", header_expression="LicenseRef-gleanery-no-ai-training")(rows)
    change("decisions", "weak.py", "octo/lib", reason="license_not_allowed", verdict="rejected")(rows)
    answer = ask(questions()["opted_out"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    assert {row["repo"]: (row["own_files"], row["reserved"]) for row in answer} == {
        "eve/objector": (0, 0),
        "octo/lib": (0, 1),
        "pig/signal": (1, 0),
    }


def test_a_kept_file_with_a_restricted_twin_that_is_only_alike_is_shown(tmp_path: Path) -> None:
    rows = good_rows()
    kept, barred = of_file(rows, "decisions"), of_file(rows, "decisions", "add.py", "octo/lib")
    change("decisions", "add.py", "octo/lib", reason="license_not_allowed", verdict="rejected")(rows)
    left, right = sorted((kept["blob_id"], barred["blob_id"]))
    rows["pairs"].append(rows["pairs"][0] | {"left_blob_id": left, "right_blob_id": right, "similarity": 0.91})
    rows["pairs"][-1] |= {"sameness": "renamed", "bars": True}
    answer = ask(questions()["restricted_twins"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    assert ("src/main.py", "add.py", 0.91) in {(r["path"], r["twin_path"], r["similarity"]) for r in answer}


@pytest.mark.parametrize(
    ("head", "above", "told"),
    [
        ("Copyright (c) 1997 Frob Corporation. All rights reserved.", "Copyright (c) 2019 Ada Lovelace", True),
        ("Copyright (c) 1997 Lovelace Frob", "Copyright (c) 2019 Ada Lovelace", False),  # a name in common
        ("(c) Octo Systems", "Copyright (c) 2019 Ada Lovelace", False),  # the owner of the repository
        ("Copyright the authors <ada@frob.example>", "Copyright (c) 2019 Ada Lovelace", False),  # nobody by name
        ("Copyright (c) 1997 Frob Corporation", None, False),  # as the text of Apache-2.0, which names nobody
    ],
)
def test_an_owner_that_the_licence_of_a_file_does_not_name_is_told(
    head: str, above: str | None, told: bool, tmp_path: Path
) -> None:
    rows = good_rows()
    file = of_file(rows, "license_conclusions")
    source = next(piece["blob_id"] for piece in file["evidence"] if piece["role"] == "ancestor_file")
    own = of_file(rows, "files")["blob_id"]
    findings = [finding for finding in rows["license_findings"] if finding["blob_id"] not in (own, source)]
    like = row(rows, "license_findings") | {"outcome": "none", "expression": None, "scope": "head"}
    findings.append(like | {"blob_id": own, "copyrights": [head]})
    findings.append(like | {"blob_id": source, "copyrights": [above] if above else [], "scope": "whole"})
    rows["license_findings"] = findings
    answer = ask(questions()["other_owners"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    assert [(r["path"], r["owners"]) for r in answer if r["repo"] == "octo/app"] == [("src/main.py", [head])] * told
    findings[-2] |= {"outcome": "found", "expression": "MIT"}  # a head that says what it is under speaks for itself
    assert not ask(questions()["other_owners"], tables_of(write_run(tmp_path / "said", rows)), {}).num_rows


def test_an_empty_file_is_under_no_licence_and_in_no_cluster(tmp_path: Path) -> None:
    rows = good_rows()
    for path, repo in (("src/main.py", "octo/app"), ("add.py", "octo/lib")):
        for table in ("files", "decisions"):
            change(table, path, repo, blob_id="e" * 40)(rows)
    change("license_conclusions", expression="ISC")(rows)

    def told(folder: Path) -> set[str]:
        names = ("same_blob_conflicting_licenses", "largest_clusters")
        answers = [ask(questions()[name], tables_of(folder), {}).to_pylist() for name in names]
        return {row.get("blob_id", row.get("cluster")) for answer in answers for row in answer}

    assert "e" * 40 in told(write_run(tmp_path / "full", rows))
    for path, repo in (("src/main.py", "octo/app"), ("add.py", "octo/lib")):
        change("files", path, repo, size=0)(rows)
    assert "e" * 40 not in told(write_run(tmp_path / "empty", rows))


def test_an_objection_that_is_outweighed_is_shown_beside_those_that_hold_files_back(tmp_path: Path) -> None:
    rows = good_rows()
    kept, objector, held = (
        of_file(rows, "decisions", path, repo)
        for path, repo in (("src/main.py", "octo/app"), ("add.py", "octo/lib"), ("weak.py", "octo/lib"))
    )
    about = (Copy(file_id=d["file_id"], blob_id="", repo_id="", path="", **_UNKNOWN) for d in (objector, kept))
    kept["evidence"] = ["its licence", outweighed(*about)]
    held |= {"reason": "copy_of_opted_out", "verdict": "rejected", "twin_file_id": objector["file_id"]}
    answer = ask(questions()["copies_held_for_review"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    assert {(r["path"], r["reason"], r["objector_path"]) for r in answer} >= {
        ("src/main.py", "kept", "add.py"),
        ("weak.py", "copy_of_opted_out", "add.py"),
    }
    assert all(row["reason"] == "copy_of_opted_out" or row["evidence"] for row in answer)


def test_a_held_copy_is_shown_beside_what_tells_its_origin(tmp_path: Path) -> None:
    rows = good_rows()
    change_repo("octo/app", first_commit_at=1_600_000_000)(rows)
    objector = of_file(rows, "decisions")
    held = {"reason": "copy_of_opted_out", "verdict": "rejected", "twin_file_id": objector["file_id"]}
    change("decisions", "add.py", "octo/lib", **held, similarity=0.8)(rows)
    change("decisions", "weak.py", "octo/lib", **held, similarity=1.0, blob_id=objector["blob_id"])(rows)
    change("decisions", "tool/run.py", "pypi/tool", **held | {"twin_file_id": "0" * 32}, similarity=0.9)(rows)
    kept = of_file(rows, "decisions", "main_copy.py", "octo/lib")
    about = (Copy(file_id=d["file_id"], blob_id="", repo_id="", path="", **_UNKNOWN) for d in (objector, kept))
    kept |= {"evidence": ["its licence", outweighed(*about)], "reason": "kept", "verdict": "kept", "similarity": 0.7}
    answer = ask(questions()["copies_held_for_review"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    told = {r["path"]: (r["objector"], r["objector_path"], r["similarity"], r["same_bytes"]) for r in answer}
    assert told == {
        "add.py": ("octo/app", "src/main.py", 0.8, False),
        "weak.py": ("octo/app", "src/main.py", 1.0, True),
        "main_copy.py": ("octo/app", "src/main.py", None, False),  # its likeness is that to another file
        "tool/run.py": (None, None, 0.9, None),  # the objector's file is not in this run any more
    }
    assert {(r["first_commit_at"], r["objector_first_commit_at"]) for r in answer if r["repo"] == "octo/lib"} == {
        (1_500_000_000, 1_600_000_000)
    }


def test_what_a_release_would_lose_is_counted_over_all_its_shards(tmp_path: Path) -> None:
    rows = good_rows()
    for row in rows["docs"]:
        row.update(tokens=10, shard=f"tokens/part-0000{0 if row['repo'] != 'octo/app' else 1}-of-00004.bin")
    change("docs", shard="tokens/part-00002-of-00004.bin", tokens=30)(rows)
    mine = [row for row in rows["docs"] if row["repo"] == "octo/app"]
    tables = tables_of(write_run(tmp_path / "full", rows))
    (lost,) = ask(questions()["impact_of"], tables, {"repo": "octo/app"}).to_pylist()
    share = round(100 * (10 * len(mine) + 20) / (10 * len(rows["docs"]) + 20), 4)
    assert list(lost.values()) == [len(mine), 10 * len(mine) + 20, share, 2, 4]
    (nothing,) = ask(questions()["impact_of"], tables, {"repo": "eve/objector"}).to_pylist()
    assert list(nothing.values()) == [0, 0, 0.0, 0, 4]
    rows["docs"].clear()
    (empty,) = ask(
        questions()["impact_of"], tables_of(write_run(tmp_path / "empty", rows)), {"repo": "octo/app"}
    ).to_pylist()
    assert list(empty.values()) == [0, 0, None, 0, 0]


def doubt(stated: str | None = None, *speaking: tuple[str, str, str | None], **conclusion: Any) -> dict[str, Any]:
    """A conclusion that does not let a file be kept: what its folder states, and each role, path and expression."""
    pieces = [
        dict(role=role, path=path, blob_id="f" * 40, expression=said, score=100.0) for role, path, said in speaking
    ]
    return {"directory_expression": stated, "basis": "ancestor_file", "evidence": pieces} | conclusion


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The review queue of a run with doubts of every kind."""
    build = RunBuilder()
    unknown, changed = "LicenseRef-scancode-unknown", "MIT AND LicenseRef-gleanery-changed-text"
    one, two = build.repo("ann/one"), build.repo("ann/two")
    first, second = build.repo("eve/Same"), build.repo("eve/same", url="https://example.org/eve/same")
    notes = doubt(None, ("own_header", "src/a.py", None), ("reuse", "REUSE.toml", None), ("ancestor_file", "", None))
    notes["evidence"] += doubt(None, ("ancestor_file", "LICENSE", "MIT"), ("ancestor_file", "NOTES", None))["evidence"]
    build.file(one, "src/z.py", "z" * 40, "license_unknown", **notes)
    build.file(one, "src/deep/a.py", "a" * 60, "license_unknown", **notes)
    build.file(two, "kept.py", "kept", expression="MIT")
    build.file(two, "strict.py", "s" * 99, "license_not_allowed", **doubt("GPL-3.0-only"))
    build.file(
        two,
        "b/x.py",
        "x" * 30,
        "license_unknown",
        **doubt(changed, ("package_metadata", "setup.cfg", "MIT"), ("ancestor_file", "LICENSE", changed)),
    )
    build.file(
        two,
        "lib/c/x.py",
        "c" * 20,
        "license_conflict",
        **doubt("MIT", ("ancestor_file", "LICENSE", "MIT"), header_expression="ISC"),
    )
    build.file(
        two,
        "lib/c/y.py",
        "d" * 5,
        "license_conflict",
        **doubt("MIT", ("ancestor_file", "LICENSE", "MIT"), header_expression="0BSD"),
    )
    build.file(build.repo("ann/kept"), "k.py", "kept", expression="MIT")
    for path in ("a/l.py", "b/m.py"):
        build.file(repo_id("https://github.com/ann/kept"), path, path[0] * 2, "license_missing", **doubt())
    build.file(build.repo("ann/barred"), "g.py", "gggg", "license_not_allowed", **doubt("GPL-3.0-only"))
    build.file(repo_id("https://github.com/ann/barred"), "h.py", "hhh", "license_missing", **doubt())
    for name, size in (("birch/a.js", 9), ("birch/b.js", 9), ("cedar/c.js", 17)):
        build.file(two, f"vendor/{name}", name[0] * size, "license_missing", **doubt())
    build.file(first, "p.py", "pp", "license_missing", **doubt())
    build.file(
        second,
        "q.py",
        "q",
        "license_unknown",
        **doubt(unknown, ("ancestor_file", "LICENSE", "MIT"), ("ancestor_file", "COPYING", "MIT")),
    )
    tables = tables_of(write_run(tmp_path_factory.mktemp("review"), build.rows))
    rows: list[dict[str, Any]] = ask(questions()["license_review"], tables, {}).to_pylist()
    return rows


def test_the_review_queue_has_one_row_for_each_doubt_the_most_bytes_first(review: list[dict[str, Any]]) -> None:
    assert [
        (r["rank"], r["repository"], r["reason"], r["path"], r["files"], r["bytes"], r["for_example"]) for r in review
    ] == [
        (1, "ann/one", "license_unknown", "src", 2, 100, "src/deep/a.py"),
        (2, "ann/two", "license_unknown", "b", 1, 30, "b/x.py"),
        (3, "ann/two", "license_conflict", "lib/c", 1, 20, "lib/c/x.py"),
        (4, "ann/two", "license_missing", "vendor/birch", 2, 18, "vendor/birch/a.js"),
        (5, "ann/two", "license_missing", "vendor/cedar", 1, 17, "vendor/cedar/c.js"),
        (6, "ann/two", "license_conflict", "lib/c", 1, 5, "lib/c/y.py"),
        (7, "ann/kept", "license_missing", "", 2, 4, "a/l.py"),
        (8, "ann/barred", "license_missing", "", 1, 3, "h.py"),
        (9, "https://github.com/eve/Same", "license_missing", "", 1, 2, "p.py"),
        (10, "https://example.org/eve/same", "license_unknown", "", 1, 1, "q.py"),
    ]
    assert [(r["header"], r["folder_says"]) for r in review if r["reason"] == "license_conflict"] == [
        ("ISC", "MIT"),
        ("0BSD", "MIT"),
    ]


def test_the_review_queue_names_what_is_not_understood_before_what_speaks_first(review: list[dict[str, Any]]) -> None:
    """What a file says of itself is no answer for a folder; of a conflict, the files themselves are to be read."""
    look_at = {r["for_example"]: r["look_at"] for r in review}
    assert look_at["src/deep/a.py"] == "NOTES"
    assert look_at["b/x.py"] == look_at["q.py"] == "LICENSE"
    assert {path for path, place in look_at.items() if place is None} == {
        "lib/c/x.py", "lib/c/y.py", "vendor/birch/a.js", "vendor/cedar/c.js", "a/l.py", "h.py", "p.py"
    }  # fmt: skip


def test_one_answer_frees_a_whole_repository_where_nothing_is_kept_and_nothing_else_bars_it(
    review: list[dict[str, Any]],
) -> None:
    assert {r["repository"] for r in review if r["whole_repository"]} == {
        "ann/one",
        "https://github.com/eve/Same",
        "https://example.org/eve/same",
    }


def test_an_override_counts_where_another_rule_decided_in_the_end(tmp_path: Path) -> None:
    rows = good_rows()
    overridden()(rows)
    said = f"its licence: override {OVERRIDE['override_id']}: allow: MIT (attribution)"
    about = {"rule": "dedup/keeper", "reason": "near_duplicate", "verdict": "rejected", "evidence": ["alike", said]}
    change("decisions", "add.py", "octo/lib", **about)(rows)
    found = ask(questions()["overrides_in_force"], tables_of(write_run(tmp_path, rows)), {}).to_pylist()
    assert {row["override_id"]: (row["files"], row["kept"]) for row in found}[OVERRIDE["override_id"]] == (2, 1)


def test_the_rules_of_a_repository_are_those_of_all_that_it_came_from_under_any_name(tmp_path: Path) -> None:
    rows = good_rows()
    change_repo("octo/lib", fork_of="cat/app", aliases=["git@example.org:hen/lib.git"])(rows)
    for seq, value in enumerate(["github.com/octo/app", "example.org/hen/lib", "example.org/eve"], 50):
        rows["optout_rules"].append(dict(seq=seq, scope="repo", value=value, action="block", request_id=None))
    tables = tables_of(write_run(tmp_path, rows))
    answer = ask(questions()["optout_rules_of"], tables, {"repo": "octo/lib"})
    assert [seq for seq in answer.column("seq").to_pylist() if seq >= 50] == [50, 51]


def test_a_rule_about_a_fork_does_not_reach_its_origin(tmp_path: Path) -> None:
    rows = good_rows()
    a_fork_does_not_speak_for_its_origin(rows)
    change("decisions", "stolen.py", "cat/app", verdict="kept", reason="kept")(rows)
    answer = ask(questions()["leaks"], tables_of(write_run(tmp_path, rows)), {})
    assert set(answer.column("repo").to_pylist()) == {"cat/app"}


def test_a_header_that_only_points_to_a_licence_is_no_contradiction(tmp_path: Path) -> None:
    rows = good_rows()
    points = {"header_expression": "LicenseRef-scancode-see-license AND LicenseRef-scancode-unstated"}
    change("license_conclusions", **points)(rows)
    tables = tables_of(write_run(tmp_path, rows))
    assert ask(questions()["header_conflicts_released"], tables, {}).num_rows == 0


@pytest.mark.parametrize(("decides", "rows_found"), [("the header decides: ", 0), ("", 1)])
def test_a_directory_that_is_not_allowed_counts_unless_the_policy_said_that_the_header_decides(
    tmp_path: Path, decides: str, rows_found: int
) -> None:
    rows, about = good_rows(), ("add.py", "octo/lib")
    change("license_conclusions", *about, directory_expression="GPL-3.0-only", conflict=True)(rows)
    change("decisions", *about, rule=f"{decides}allow: Apache-2.0 (attribution)")(rows)
    answer = ask(questions()["header_conflicts_released"], tables_of(write_run(tmp_path, rows)), {})
    assert answer.num_rows == rows_found


@pytest.mark.parametrize(("decides", "rows_found"), [("the folder decides: ", 0), ("", 1)])
def test_a_header_that_is_not_allowed_counts_unless_the_policy_said_that_the_folder_decides(
    tmp_path: Path, decides: str, rows_found: int
) -> None:
    rows, about, barred = good_rows(), ("add.py", "octo/lib"), "MIT AND GPL-3.0-only"
    change("license_conclusions", "secret.py", "dog/gpl", expression=barred, directory_expression=barred)(rows)
    offered = {"expression": "MIT OR GPL-3.0-only", "header_expression": barred, "conflict": True}
    change("license_conclusions", *about, **offered)(rows)
    change("docs", *about, license=offered["expression"])(rows)
    change("decisions", *about, rule=f"{decides}allow: MIT (attribution)")(rows)
    answer = ask(questions()["header_conflicts_released"], tables_of(write_run(tmp_path, rows)), {})
    assert answer.num_rows == rows_found


@pytest.mark.parametrize(
    ("conclusion", "decision", "rows_found"),
    [
        ({}, {}, 1),
        ({"header_expression": "GPL-3.0-only"}, {}, 1),
        ({"header_expression": "ISC"}, {}, 0),  # which of the two it was is not known
        ({"conflict": True}, {}, 0),
        ({}, {"reason": "vendored"}, 0),
        ({}, {"rule": "override 0123456789ab: deny"}, 0),  # of a person, not of the policy
    ],
)
def test_a_licence_is_not_allowed_where_the_policy_itself_refused_it_alone(
    tmp_path: Path, conclusion: dict[str, Any], decision: dict[str, Any], rows_found: int
) -> None:
    rows, refused = good_rows(), ("secret.py", "dog/gpl")
    stated = {"directory_expression": "GPL-3.0-only", "conflict": True}
    change("license_conclusions", "add.py", "octo/lib", **stated)(rows)
    change("license_conclusions", *refused, **conclusion)(rows)
    change("decisions", *refused, **decision)(rows)
    answer = ask(questions()["header_conflicts_released"], tables_of(write_run(tmp_path, rows)), {})
    assert answer.num_rows == rows_found


@pytest.mark.parametrize(
    ("released", "header", "rows_found"),
    [
        ("MIT AND ISC", "MIT OR ISC", 0),
        ("MIT OR ISC", "MIT AND ISC", 0),
        ("MIT", "MIT OR LicenseRef-scancode-unknown-license-reference", 0),
        ("MIT", "MIT AND ISC", 1),
    ],
)
def test_a_header_contradicts_by_a_licence_that_it_names_and_the_release_does_not(
    tmp_path: Path, released: str, header: str, rows_found: int
) -> None:
    rows, about = good_rows(), ("add.py", "octo/lib")
    change("license_conclusions", *about, expression=released, header_expression=header)(rows)
    change("docs", *about, license=released)(rows)
    answer = ask(questions()["header_conflicts_released"], tables_of(write_run(tmp_path, rows)), {})
    assert answer.num_rows == rows_found


def test_a_person_s_decision_on_record_is_evidence(tmp_path: Path) -> None:
    rows = good_rows()
    overridden()(rows)
    change("license_conclusions", expression=None, basis="none", evidence=[])(rows)
    tables = tables_of(write_run(tmp_path, rows))
    for name in ("released_without_evidence", "header_conflicts_released", "overrides_out_of_bounds"):
        assert ask(questions()[name], tables, {}).num_rows == 0, name
    found = ask(questions()["overrides_in_force"], tables, {}).to_pylist()
    assert [(row["override_id"], row["by"], row["files"], row["kept"]) for row in found] == [
        ("abcdef012345", "Ada Invented", 0, 0),
        ("0123456789ab", "Ada Invented", 1, 1),
    ]


def test_there_are_enough_questions_and_each_has_a_golden_answer() -> None:
    assert len(questions()) >= 16
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(questions())
    assert list(questions()) == sorted(questions())


def test_the_reference_says_what_each_question_asks() -> None:
    text = (Path(__file__).parents[1] / "docs" / "reference" / "audit.md").read_text("utf-8")
    for name, question in questions().items():
        chapter = text.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
        assert question.title in chapter and question.bad_result in chapter, name
        assert all(f"| `{p.name}` |" in chapter and p.meaning in chapter for p in question.parameters), name
        assert f"gleanery audit {name} --run" in chapter, name


def test_every_needed_table_is_a_table_of_a_run() -> None:
    for question in questions().values():
        assert {name.removeprefix(BEFORE) for name in question.needs} <= set(TABLES), question.name


def test_every_query_has_the_shape_of_the_house() -> None:
    for question in questions().values():
        assert question.sql.startswith("-- Bad result: "), question.name
        assert "\nfinal AS (" in question.sql, question.name
        assert "\nSELECT * FROM final\nORDER BY " in question.sql, question.name
        assert "CROSS JOIN" not in question.sql.upper(), question.name
        assert max(map(len, question.sql.splitlines())) <= 120, question.name


# The steps in which DuckDB compares every row of one table with every row of another.
PRODUCTS = {"CROSS_PRODUCT", "NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}


@pytest.mark.parametrize("join", ["a, stg_files AS b", "a JOIN stg_files AS b ON a.path = b.path OR a.size = b.size"])
def test_a_product_of_tables_is_recognised(join: str, good: dict[str, list[Path]]) -> None:
    sql = f"SELECT a.path FROM stg_files AS {join} ORDER BY ALL"
    with Database(good) as database:
        assert database.operators(Question("x", "", "", (), ("files",), False, sql)) & PRODUCTS


def test_no_question_multiplies_tables(good: dict[str, list[Path]]) -> None:
    with Database(good) as database:
        for name, question in questions().items():
            assert not database.operators(question, ARGUMENTS.get(name, {})) & PRODUCTS, name


@pytest.mark.parametrize(
    "text",
    ["'); DROP TABLE stg_repos; --", '"', "%", "\x00x", "a/*b*/", "$repo", "🐙/app", HOSTILE_REPO, "x" * 100_000],
)
def test_arguments_are_data(text: str, good: dict[str, list[Path]]) -> None:
    with Database(good) as database:
        before = database.ask(questions()["repositories"])
        for question in questions().values():
            is_number = any((p.default or "").replace(".", "").isdecimal() for p in question.parameters)
            if question.parameters and not is_number:
                try:
                    database.ask(question, {p.name: text for p in question.parameters})
                except StopRun as refused:
                    assert refused.message.startswith(("no source of this run is", "a content id is")), question.name
        assert database.ask(questions()["repositories"]).equals(before)


def test_hostile_names_in_the_tables_are_found_by_name(good: dict[str, list[Path]]) -> None:
    answer = ask(questions()["why_rejected"], good, {"repo": HOSTILE_REPO, "path": HOSTILE_PATH})
    assert answer.column("reason").to_pylist() == ["kept"]
    answer = ask(questions()["tokens_of"], good, {"repo": "octo/app", "path": FORMULA_PATH})
    assert answer.column("tokens").to_pylist() == [3]


def test_answers_do_not_depend_on_the_order_of_files(good: dict[str, list[Path]]) -> None:
    turned = {name: paths[::-1] for name, paths in good.items()}
    with Database(turned) as other, Database(good) as usual:
        for name, question in questions().items():
            arguments = ARGUMENTS.get(name, {})
            assert other.ask(question, arguments).equals(usual.ask(question, arguments)), name


def test_wrong_arguments_are_named(good: dict[str, list[Path]]) -> None:
    with pytest.raises(StopRun, match="needs a value for: path"):
        ask(questions()["why_rejected"], good, {"repo": "octo/app"})
    with pytest.raises(StopRun, match="no source of this run is"):
        ask(questions()["find_path"], good, {"repo": " ", "path": "main.py"})
    with pytest.raises(StopRun, match="no parameter colour"):
        ask(questions()["leaks"], good, {"colour": "red"})
    with pytest.raises(StopRun, match="wrong form") as stopped:
        ask(questions()["low_score_evidence"], good, {"threshold": "private-value"})
    assert "private-value" not in str(stopped.value) + stopped.value.hint


HEAD = "-- Bad result: a.\n-- Question: b?\n-- Must be empty: no\n-- Needs: files\n"
BODY = "WITH\nfinal AS (SELECT * FROM stg_files)\nSELECT * FROM final\nORDER BY ALL\n"


def test_a_head_is_read_with_all_its_facts() -> None:
    question = parse("x", HEAD.replace("a.\n", "a,\n--   b.\n") + "-- Parameter id (default 7): c\n" + BODY + "--$id\n")
    assert (question.bad_result, question.title, question.needs) == ("a, b.", "b?", ("files",))
    assert [(p.name, p.default, p.meaning) for p in question.parameters] == [("id", "7", "c")]


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        HEAD.replace("Must be empty: no", "Must be empty: perhaps") + BODY,
        HEAD.replace("-- Needs: files\n", "") + BODY,
        HEAD.replace("Needs: files", "Needs: repos") + BODY,
        HEAD + "-- Parameter id (required): never used\n" + BODY,
        HEAD + BODY.replace("ORDER BY ALL", "LIMIT 3"),
        HEAD + BODY + "-- $undeclared",
        HEAD + "-- Something else: x\n" + BODY,
        HEAD + "-- Question: twice?\n" + BODY,
        "-- Question: b?\n-- Bad result: a.\n-- Must be empty: no\n-- Needs: files\n" + BODY,
        HEAD.replace("empty: no", "empty: yes") + "-- Parameter id (required): x\n" + BODY + "-- $id",
        HEAD + "-- Parameter id (perhaps): x\n" + BODY + "-- $id",
        HEAD + "-- Parameter: x\n" + BODY,
    ],
)
def test_a_malformed_head_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        parse("x", text)


def test_a_cluster_that_takes_too_much_of_a_language_or_a_repository_raises_an_alarm(tmp_path: Path) -> None:
    tables = tables_of(write_run(tmp_path, good_rows()))
    answer = ask(questions()["cluster_alarm"], tables, {"share": "0.05", "least": "1"}).to_pylist()
    taken = {(row["of_what"], row["name"]): row for row in reversed(answer)}  # of each, what lost most
    python, lib = taken["language", "Python"], taken["repository", "octo/lib"]
    assert (python["removed"], lib["removed"], lib["files"]) == (2, 1, 3)
    assert (lib["example_path"], lib["kept_repo"], lib["kept_path"]) == ("main_copy.py", "octo/app", "src/main.py")
    assert ask(questions()["cluster_alarm"], tables, {"share": "0.5", "least": "1"}).num_rows < len(answer)
    barred = [row for row in answer if row["of_what"] == "repository" and row["barred"]]
    assert [(row["example_path"], row["removed"], row["barred"]) for row in barred] == [("stolen.py", 1, 1)]


@pytest.mark.parametrize(
    "path", ["LICENSE", "third/LICENCE-birch.txt", "UNLICENSE", "COPYING.md", "licenses/birch.txt"]
)
def test_texts_of_licences_raise_no_alarm(path: str, tmp_path: Path) -> None:
    rows = good_rows()
    for table in ("decisions", "files"):
        change(table, "main_copy.py", "octo/lib", path=path)(rows)
    answer = ask(questions()["cluster_alarm"], tables_of(write_run(tmp_path, rows)), {"share": "0.05", "least": "1"})
    assert path not in answer.column("example_path").to_pylist()
    assert "octo/lib" not in [row["name"] for row in answer.to_pylist()]

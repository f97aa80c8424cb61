"""Overrides: what a person may decide, what nobody may, and which files of overrides are refused."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.licensing.conclude import Claim, Conclusion
from gleanery.licensing.findings import CHANGED_TEXT, NO_TRAINING
from gleanery.licensing.override_file import DECISION, DOUBTS, SCOPE, Override, plain_name, read_overrides
from gleanery.licensing.overrides import Overrides, Ruling
from gleanery.licensing.policy import Policy
from gleanery.licensing.statements import Evidence
from gleanery.records.errors import StopRun
from gleanery.sql.formats import cell

POLICY = Policy.load()
REPO = {"repo_id": "0" * 32, "name": "octo/app", "url": "https://github.com/octo/app", "aliases": ["octo/old"]}
BLOB = "a" * 40
SIGNED = 'by = "Maria Beispiel"\nreason = "The author confirmed it in a letter"\ndate = 2026-11-22\n'


def overrides(tmp_path: Path, *entries: str) -> Overrides:
    """The overrides of a TOML file with these entries, each signed."""
    path = tmp_path / "overrides.toml"
    path.write_text("".join(f"[[override]]\n{entry}\n{SIGNED}\n" for entry in entries), "utf-8")
    return Overrides.load(path, POLICY)


def concluded(
    header: str | None = None, directory: str | None = None, stated_in: str = "LICENSE", **values: Any
) -> Conclusion:
    """A conclusion from a head and a licence file."""
    pieces = [Evidence("own_header", "x.py", BLOB, header, "rule", 100.0, 1, 1)] if header else []
    if directory or values.get("uncertain"):
        pieces.append(Evidence("ancestor_file", stated_in, "b" * 40, directory, "rule", 100.0, 1, 9))
    basis = "own_header" if header else "ancestor_file" if directory else "none"
    conflict = header is not None and directory is not None and header != directory
    plain = Conclusion("f" * 32, header or directory, header, directory, basis, conflict, False, tuple(pieces))
    return replace(plain, **values)


def ruled(found: Overrides, conclusion: Conclusion, path: str = "src/x.py") -> Ruling:
    """The ruling on a file of the repository."""
    return found.ruling(REPO, path, BLOB, conclusion)


def test_without_overrides_the_policy_decides(tmp_path: Path) -> None:
    found = Overrides.load(None, POLICY)
    for conclusion in (concluded(), concluded("MIT"), concluded("MIT", "GPL-3.0-only"), concluded(uncertain=True)):
        assert ruled(found, conclusion) == Ruling(conclusion, POLICY.judge(conclusion))
    assert found.version == ""


@pytest.mark.parametrize("name", ["octo/app", "Octo/App", "octo/old", "https://github.com/octo/app.git", "0" * 32])
def test_a_licence_that_a_person_found_keeps_the_files_of_a_repository(name: str, tmp_path: Path) -> None:
    found = overrides(tmp_path, f'repository = "{name}"\nexpression = "MIT"')
    ruling = ruled(found, concluded())
    assert ruling.judgement.allowed and ruling.conclusion.expression == "MIT"
    assert ruling.judgement.rule == f"override {found.rows[0].override_id}: allow: MIT (attribution)"
    assert ruling.judgement.evidence[:2] == (
        "Maria Beispiel decided on 2026-11-22: The author confirmed it in a letter",
        "without this override: license_missing",
    )
    assert not ruled(
        overrides(tmp_path, 'repository = "octo/other"\nexpression = "MIT"'), concluded()
    ).judgement.allowed


def test_a_doubt_about_the_licence_file_of_the_folder_is_settled(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nexpression = "BSD-3-Clause"')
    ruling = ruled(found, concluded(uncertain=True))
    assert ruling.judgement.allowed and not ruling.conclusion.uncertain


def test_a_folder_does_not_speak_for_the_heads_of_its_files(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nexpression = "MIT"')
    ruling = ruled(found, concluded("GPL-3.0-only"))
    assert (ruling.judgement.allowed, ruling.judgement.reason) == (False, "license_conflict")
    assert ruling.conclusion.expression == "GPL-3.0-only" and ruling.conclusion.conflict
    doubtful = replace(
        concluded(uncertain=True), evidence=(Evidence("own_header", "x.py", BLOB, None, "rule", 1.0, 1, 1),)
    )
    assert ruled(found, doubtful).judgement.reason == "license_unknown"


def test_a_person_may_decide_about_one_file_or_one_content_or_one_head(tmp_path: Path) -> None:
    conflict = concluded("GPL-3.0-only", "MIT")
    scopes = (
        'repository = "octo/app"\npath = "src/x.py"',
        f'blob = "{BLOB}"',
        'repository = "octo/app"\nheader = "GPL-3.0-only"',
    )
    for scope in scopes:
        ruling = ruled(overrides(tmp_path, f'{scope}\nexpression = "MIT"'), conflict)
        assert ruling.judgement.allowed and not ruling.conclusion.conflict, scope
        assert ruling.conclusion.header_expression is None
    other_head = overrides(tmp_path, 'repository = "octo/app"\nheader = "GPL-2.0-only"\nexpression = "MIT"')
    assert not ruled(other_head, conflict).judgement.allowed


def test_a_nearer_licence_file_and_third_party_code_still_speak_for_themselves(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nexpression = "MIT"')
    nearer = concluded(directory="GPL-3.0-only", stated_in="src/COPYING")
    assert ruled(found, nearer).judgement.reason == "license_not_allowed"
    assert ruled(found, concluded(), "vendor/other/x.py").judgement.reason == "license_missing"
    assert ruled(found, concluded(directory="GPL-3.0-only", stated_in="LICENSES/GPL.txt")).judgement.allowed
    inside = overrides(tmp_path, 'repository = "octo/app"\npath = "vendor/other/"\nexpression = "MIT"')
    assert ruled(inside, concluded(), "vendor/other/x.py").judgement.allowed
    assert not ruled(inside, concluded(), "vendor/otherwise/x.py").judgement.allowed


def test_claims_of_a_manifest_are_weighed_and_those_of_the_file_stay(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nexpression = "MIT"')
    for source, allowed in (("readme", True), ("manifest", True), ("registry", True), ("header", False)):
        claimed = concluded(directory="MIT", conflict=True, claims=(Claim(source, "x", "GPL-3.0-only"),))
        assert not POLICY.judge(claimed).allowed
        assert ruled(found, claimed).judgement.allowed == allowed, source


def test_a_denial_holds_for_everything_below_and_before_any_other(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nverdict = "deny"', f'blob = "{BLOB}"\nexpression = "MIT"')
    for path in ("x.py", "vendor/a/x.py", "sub/x.py"):
        ruling = ruled(found, concluded(directory="MIT", stated_in="sub/LICENSE"), path)
        assert ruling.denied and ruling.judgement.reason == "license_not_allowed"
        assert ruling.judgement.rule.endswith(": denied")


def test_an_allowance_lifts_the_policy_and_needs_a_licence(tmp_path: Path) -> None:
    found = overrides(tmp_path, 'repository = "octo/app"\nverdict = "allow"')
    assert ruled(found, concluded(directory="GPL-3.0-only")).judgement.rule.endswith("allowed as GPL-3.0-only")
    assert ruled(found, concluded()).judgement.reason == "license_missing"
    assert not ruled(found, concluded("GPL-2.0-only", "GPL-3.0-only")).judgement.allowed
    assert ruled(found, concluded(directory=f"{CHANGED_TEXT} AND MIT")).judgement.reason == "license_unknown"
    named = overrides(tmp_path, 'repository = "octo/app"\nverdict = "allow"\nexpression = "CC-BY-4.0"')
    assert ruled(named, concluded(directory=f"{CHANGED_TEXT} AND MIT")).conclusion.expression == "CC-BY-4.0"
    assert ruled(named, concluded()).judgement.allowed


@pytest.mark.parametrize(
    "decision", ['expression = "MIT"', 'verdict = "allow"', 'verdict = "allow"\nexpression = "MIT"']
)
@pytest.mark.parametrize(
    "scope", ['repository = "octo/app"', 'repository = "octo/app"\npath = "src/x.py"', f'blob = "{BLOB}"']
)
def test_nobody_lifts_a_reservation_against_training(scope: str, decision: str, tmp_path: Path) -> None:
    found = overrides(tmp_path, f"{scope}\n{decision}")
    for reserved in (
        concluded(NO_TRAINING),
        concluded("MIT", f"{NO_TRAINING} AND MIT"),
        replace(concluded("MIT"), evidence=concluded(directory=NO_TRAINING).evidence),
        concluded("MIT", claims=(Claim("header", "src/x.py", NO_TRAINING),), conflict=True),
        concluded(directory="MIT", claims=(Claim("registry", "", f"ISC AND {NO_TRAINING}"),), conflict=True),
    ):
        ruling = ruled(found, reserved)
        assert ruling.judgement.allowed == POLICY.judge(reserved).allowed
        assert ruling.conclusion == reserved
        assert "does not count" in ruling.judgement.evidence[-1]
        assert not ruling.judgement.rule.startswith("override")


def test_each_head_and_each_content_may_have_an_override_of_its_own(tmp_path: Path) -> None:
    heads = [f'repository = "octo/app"\nheader = "{name}"\nexpression = "MIT"' for name in ("ISC", "GPL-3.0-only")]
    contents = [f'repository = "octo/app"\nblob = "{digit * 40}"\nexpression = "MIT"' for digit in "ab"]
    assert len(overrides(tmp_path, *heads, *contents).rows) == 4


def test_the_narrowest_override_counts(tmp_path: Path) -> None:
    found = overrides(
        tmp_path,
        'repository = "octo/app"\nexpression = "MIT"',
        'repository = "octo/app"\npath = "src"\nexpression = "ISC"',
        'repository = "octo/app"\npath = "src/x.py"\nexpression = "Zlib"',
    )
    stated = [ruled(found, concluded(), path).conclusion.expression for path in ("x.py", "src/y.py", "src/x.py")]
    assert stated == ["MIT", "ISC", "Zlib"]


ENTRY = '[[override]]\nrepository = "octo/app"\nexpression = "MIT"\n' + SIGNED
BROKEN = {
    "no person": (ENTRY.replace('by = "Maria Beispiel"\n', ""), "names nobody"),
    "an empty person": (ENTRY.replace("Maria Beispiel", "  "), "names nobody"),
    "no reason": (ENTRY.replace('reason = "The author confirmed it in a letter"\n', ""), "no reason"),
    "no date": (ENTRY.replace("date = 2026-11-22\n", ""), "no date"),
    "another form of date": (ENTRY.replace("2026-11-22", '"22.11.2026"'), "no date"),
    "an impossible date": (ENTRY.replace("2026-11-22", '"2026-02-30"'), "no date"),
    "a moment instead of a day": (ENTRY.replace("2026-11-22", "2026-11-22T10:00:00Z"), "no date"),
    "no scope": (ENTRY.replace('repository = "octo/app"\n', ""), "what it is about"),
    "no decision": (ENTRY.replace('expression = "MIT"\n', ""), "decides nothing"),
    "another verdict": (ENTRY.replace('expression = "MIT"', 'verdict = "maybe"'), "verdict that is not known"),
    "denied with a licence": (ENTRY + 'verdict = "deny"\n', "denies and names"),
    "a misspelled key": (ENTRY + 'pth = "src"\n', "key that is not known"),
    "no expression": (ENTRY.replace('"MIT"', '"MIT AND"'), "no SPDX expression"),
    "a licence nobody knows": (ENTRY.replace('"MIT"', '"MITT"'), "does not know"),
    "allowed under a licence nobody knows": (ENTRY.replace('"MIT"', '"MITT"') + 'verdict = "allow"\n', "does not know"),
    "a path out of the repository": (ENTRY + 'path = "../x"\n', "not plain"),
    "an absolute path": (ENTRY + 'path = "/x"\n', "not plain"),
    "a blob that is none": (ENTRY + 'blob = "HEAD"\n', "not a git content id"),
    "a blob and a path": (ENTRY + f'blob = "{BLOB}"\npath = "src"\n', "a blob and a path"),
    "a blob and a header": (ENTRY + f'blob = "{BLOB}"\nheader = "MIT"\n', "a blob and a path or header"),
    "a header of no expression": (ENTRY + 'header = "MIT AND"\n', "header that is no SPDX expression"),
    "a doubt that is none": (ENTRY + 'doubt = "vendored"\n', "doubt that is not known"),
    "a doubt about a content": (
        ENTRY.replace('repository = "octo/app"', f'blob = "{BLOB}"') + 'doubt = "license_missing"\n',
        "a doubt and no repository",
    ),
    "what a folder says without a doubt": (ENTRY + 'folder_says = "MIT"\n', "no doubt"),
    "what to look at without a doubt": (ENTRY + 'look_at = "LICENSE"\n', "no doubt"),
    "a number for a name": (ENTRY.replace('"Maria Beispiel"', "7"), "not a text"),
    "control codes": (ENTRY.replace("Maria", "Ma\\u001b[31mria"), "control codes"),
    "a reason without end": (ENTRY.replace("letter", "letter " * 500), "too long"),
    "the same scope twice": (ENTRY + ENTRY.replace('"MIT"', '"ISC"'), "same files"),
    "no TOML": ("[[override]", "not valid TOML"),
    "another table": ("[override]\nby = 'x'\n", "something else"),
}


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_an_invalid_override_stops_with_a_way_out(fault: str, tmp_path: Path) -> None:
    text, message = BROKEN[fault]
    path = tmp_path / "overrides.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(StopRun, match=message) as stopped:
        Overrides.load(path, POLICY)
    assert stopped.value.hint
    assert "Maria" not in stopped.value.message + stopped.value.hint  # no value of the file


OTHER = ("1" * 32, "octo/other", "https://github.com/octo/other")
NAMESAKE = ("2" * 32, "octo/app", "https://gitlab.com/octo/app", "octo/old")


@pytest.mark.parametrize("name", ["octo/app", "Octo/Old"])
def test_an_answer_about_one_repository_says_nothing_about_its_namesake(name: str, tmp_path: Path) -> None:
    names = [str(REPO["repo_id"]), str(REPO["name"]), str(REPO["url"]), *map(str, REPO["aliases"])]
    found = overrides(tmp_path, f'repository = "{name}"\nexpression = "MIT"')
    found.refuse_contradictions([OTHER, names])
    with pytest.raises(StopRun, match="several sources bear this name") as stopped:
        found.refuse_contradictions([names, OTHER, NAMESAKE])
    assert "https://github.com/octo/app (repo_id 000" in stopped.value.message
    assert "https://gitlab.com/octo/app (repo_id 222" in stopped.value.message
    for written in ("https://gitlab.com/octo/app", "2" * 32):
        overrides(tmp_path, f'repository = "{written}"\nexpression = "MIT"').refuse_contradictions(
            [names, OTHER, NAMESAKE]
        )


@pytest.mark.parametrize("path", [" lead", "tail ", "=f", "'=q", "''+x", "'plain"])
def test_a_path_of_the_queue_comes_back_as_it_was(path: str, tmp_path: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*SCOPE, *DECISION, "doubt", "folder_says", "look_at"])
    said = ["", "deny", "Pat", "why", "2026-11-30", "license_unknown", "", cell(f"{path}/LICENSE")]
    writer.writerow(["octo/app", cell(path), "", "", *said])
    (tmp_path / "queue.csv").write_text(out.getvalue(), "utf-8")
    (read,) = read_overrides(tmp_path / "queue.csv")
    assert (read.path, read.look_at) == (path, f"{path}/LICENSE")


@pytest.mark.parametrize("reason", ["The author confirmed it", "seen in a letter of 1 May", "file 12"])
@pytest.mark.parametrize("other", ["octo/old", "https://github.com/octo/app", "0" * 32])
def test_two_overrides_that_name_one_repository_in_two_ways_are_refused_whatever_they_say(
    other: str, reason: str, tmp_path: Path
) -> None:
    found = overrides(
        tmp_path,
        'repository = "octo/app"\nexpression = "GPL-3.0-only"',
        f'repository = "{other}"\nexpression = "MIT"',
        'repository = "octo/old"\npath = "src"\nexpression = "ISC"',  # other files
    )
    names = [str(REPO["repo_id"]), str(REPO["name"]), str(REPO["url"]), *map(str, REPO["aliases"])]
    found.refuse_contradictions([OTHER])
    with pytest.raises(StopRun, match="two overrides are about the same files") as stopped:
        found.refuse_contradictions([OTHER, names])
    assert all(o.override_id in stopped.value.message for o in found.rows if o.path is None)


@pytest.mark.parametrize("name", ["absent.toml", "overrides.json"])
def test_a_file_that_cannot_be_read_stops_with_a_way_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="overrides"):
        Overrides.load(tmp_path / name, POLICY)


COLUMNS = ",".join((*SCOPE, *DECISION, "files"))


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_filled_in_queue_is_read_and_its_open_rows_are_not(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    rows = [
        COLUMNS,
        "octo/app,src,,,MIT,,Maria Beispiel,It is in the manual,2026-11-22,70",
        "octo/open,,,,,,,,,3",
        f",,,{BLOB},,deny,Maria Beispiel,It is a leaked file,2026-11-22,1",
    ]
    path.write_bytes("\r\n".join(row.replace(",", separator) for row in rows).encode("utf-8-sig"))
    found = read_overrides(path)
    assert [(o.repository, o.path, o.blob_id, o.verdict) for o in found] == [
        ("octo/app", "src", None, None),
        (None, None, BLOB, "deny"),
    ]


def test_a_queue_without_its_columns_or_half_filled_in_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    path.write_text(COLUMNS.replace("verdict,", "") + "\n", "utf-8")
    with pytest.raises(StopRun, match="lacks the columns verdict"):
        read_overrides(path)
    path.write_text(f"{COLUMNS}\nocto/app,,,,MIT,,,,,\n", "utf-8")
    with pytest.raises(StopRun, match="override 1 of queue.csv names nobody"):
        read_overrides(path)


def test_the_name_of_an_override_depends_on_all_that_it_says(tmp_path: Path) -> None:
    one = overrides(tmp_path, 'repository = "octo/app"\nexpression = "MIT"')
    again = overrides(tmp_path, 'expression = "MIT"\nrepository = "octo/app"')
    other = overrides(tmp_path, 'repository = "octo/app"\nexpression = "ISC"')
    assert one.rows == again.rows and one.version == again.version
    assert one.rows[0].override_id != other.rows[0].override_id and one.version != other.version


# A row of the review queue, and a file that it is about: doubt, head, folder says, to be read first.
ASKED: dict[str, tuple[tuple[str | None, ...], Conclusion]] = {
    "license_missing": ((None, None, None), concluded()),
    "license_unknown": ((None, None, "LICENSE"), concluded(uncertain=True)),
    "license_conflict": (("GPL-3.0-only", "MIT", "LICENSE"), concluded("GPL-3.0-only", "MIT")),
}


@pytest.mark.parametrize("doubt", ASKED)
def test_an_answer_is_about_the_files_of_its_row_alone(doubt: str) -> None:
    (header, folder_says, look_at), about = ASKED[doubt]
    row: dict[str, Any] = {"doubt": doubt, "header": header, "folder_says": folder_says, "look_at": look_at}
    signed = {"by": "Maria Beispiel", "reason": "The author said so", "date": "2026-11-22"}
    answer = Override("0" * 12, "octo/app", "src", blob_id=None, expression="MIT", verdict=None, **row, **signed)
    found = Overrides([answer], POLICY)

    def is_answered(conclusion: Conclusion, path: str = "src/x.py") -> bool:
        return ruled(found, conclusion, path).judgement.rule.startswith("override ")

    assert set(ASKED) == set(DOUBTS)
    assert POLICY.judge(about).reason == doubt and is_answered(about)
    assert not is_answered(about, "lib/x.py") and not is_answered(about, "src/vendor/jay/x.py")
    otherwise = replace(about, uncertain=not about.uncertain, conflict=False)
    assert POLICY.judge(otherwise).reason != doubt and not is_answered(otherwise)
    if doubt == "license_unknown":
        assert not is_answered(concluded(uncertain=True, stated_in="src/COPYING"))
        other = Evidence("ancestor_file", "COPYING", "c" * 40, "MIT", "rule", 100.0, 1, 9)
        assert is_answered(replace(about, evidence=(other, *about.evidence)))  # what is not identified is read first
    if doubt == "license_conflict":
        assert not is_answered(concluded("AGPL-3.0-only", "MIT")) and not is_answered(concluded("GPL-3.0-only", "ISC"))
        assert is_answered(concluded("GPL-3.0-only", "MIT", stated_in="COPYING"))


NAMES = st.sampled_from(["MIT", "GPL-3.0-only", "BSD-3-Clause", NO_TRAINING, f"MIT AND {NO_TRAINING}", None])
SCOPES = st.sampled_from(
    [
        {"repository": "octo/app"},
        {"repository": "octo/app", "path": "src"},
        {"repository": "octo/app", "path": "src/x.py"},
    ]
    + [{"blob_id": BLOB}, {"repository": "octo/app", "header": "MIT"}]
)


@given(
    header=NAMES, directory=NAMES, scope=SCOPES, stated=st.sampled_from(["MIT", "GPL-3.0-only"]), allow=st.booleans()
)
def test_no_override_keeps_what_its_owner_reserved(
    header: str | None, directory: str | None, scope: dict[str, str], stated: str, allow: bool
) -> None:
    empty = dict.fromkeys(("repository", "path", "header", "blob_id", "verdict"))
    values = empty | scope | {"expression": stated, "verdict": "allow" if allow else None}
    override = Override("0" * 12, **values, by="M", reason="r", date="2026-11-22")
    ruling = ruled(Overrides([override], POLICY), concluded(header, directory))
    if NO_TRAINING in f"{header} {directory}":
        assert not ruling.judgement.allowed
    if ruling.judgement.allowed:
        assert ruling.conclusion.expression is not None


@given(st.text(min_size=1, max_size=40))
def test_one_spelling_of_a_name_is_stable(name: str) -> None:
    assert plain_name(plain_name(name)) == plain_name(plain_name(plain_name(name)))

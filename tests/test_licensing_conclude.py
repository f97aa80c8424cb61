"""Conclusions from findings alone: what holds for any repository."""

import time
import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.conclude import MOST_EVIDENCE, Conclusion, conclude
from gleanery.licensing.findings import CHANGED, CHANGED_TEXT, NO_TRAINING, Finding
from gleanery.licensing.named_parts import NamedParts
from gleanery.licensing.policy import Policy
from gleanery.licensing.statements import FileFacts, Said, for_code
from gleanery.records.tables import TABLES

POLICY = Policy.load()
NONE = (Finding("none"),)
REFERS = "LicenseRef-scancode-unknown-license-reference"


def found(*expressions: str) -> tuple[Finding, ...]:
    return tuple(Finding("found", e, 100.0, "a.RULE", n, n) for n, e in enumerate(expressions, 1))


def whole(path: str, *expressions: str) -> FileFacts:
    return FileFacts(path, path, "0" * 40, whole=found(*expressions) or NONE)


def head(path: str, *expressions: str) -> FileFacts:
    return FileFacts(path, path, "0" * 40, head=found(*expressions) or NONE)


def concluded(*files: FileFacts, declared: str | None = None) -> dict[str, Conclusion]:
    return {c.file_id: c for c in conclude(files, declared)}


def test_folders_on_the_way_to_a_file_cost_neither_memory_nor_a_walk_each() -> None:
    chain = "a/" * 2000
    files = [whole("LICENSE", "MIT"), *(whole(f"{n}/{chain}f.py") for n in range(40))]
    files += [whole("1/a/a/COPYING", "ISC"), whole(f"2/vendor/{chain}f.py"), whole(f"2/vendor/{chain}g/LICENSE", "ISC")]
    tracemalloc.start()
    found = concluded(*files)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = [found[f"{at}{chain}f.py"].expression for at in ("0/", "1/", "2/", "2/vendor/")]
    assert said == ["MIT", "ISC", "MIT", None]
    assert peak < 20_000_000  # 350 MB where each folder on the way is remembered by its path


def test_files_are_not_compared_with_every_licence_file_that_is_named_after_a_part() -> None:
    few = [whole(path, "ISC") for path in ("LICENSE.abc", "LICENSE.abcd", "LICENSE.xyz", "abcd-LICENSE")]
    named = NamedParts([*few, whole("Abcde/XYZ.c")])
    assert [*named.of_path("Abcde/XYZ.c")] == [few[0], few[1], few[3], few[2]]  # part by part
    assert [f.path for f in named.of_path("q/abc.c")] == ["LICENSE.abc"] and not named.of_path("q/ab.c")
    parts = [whole(f"LICENSE.part{n:05d}", "ISC") for n in range(3000)]
    named = NamedParts([*parts, *(whole(f"part{n:05d}/x.c") for n in range(3000))])
    start = time.process_time()
    assert sum(len(list(named.of_path(f"part{n:05d}/a/b/c.py"))) for n in range(3000)) == 3000
    assert time.process_time() - start < 3  # 12 s where each path is compared with each part


FOLDERS = st.sampled_from(["", "a/", "a/b/", "vendor/x/", "LICENSES/", "a/node_modules/p/"])
NAMES = st.sampled_from(
    ["LICENSE", "COPYING", "COPYRIGHT", "NOTICE", "README.md", "package.json", "LICENSE.part", "x.c", "y.py", "z.md"]
)
EXPRESSIONS = st.sampled_from(
    ["MIT", "Apache-2.0", "GPL-2.0-only", "MIT OR GPL-2.0-only", "CC-BY-4.0", REFERS, "Foo-1.0", NO_TRAINING,
     "LicenseRef-scancode-dco-1.1", "MIT AND ISC"]
)  # fmt: skip
FINDINGS = st.lists(
    st.one_of(EXPRESSIONS.map(lambda e: Finding("found", e, 90.0, "a.RULE", 1, 2)), st.just(Finding("unknown"))),
    max_size=3,
).map(lambda found: tuple(found) or NONE)
FILES = st.dictionaries(
    st.tuples(FOLDERS, NAMES).map("".join), st.tuples(FINDINGS, FINDINGS), min_size=1, max_size=12
).map(lambda files: [FileFacts(f"{n:032x}", p, "0" * 40, w, h) for n, (p, (w, h)) in enumerate(files.items())])
DECLARED = st.sampled_from([None, "MIT", "GPL-2.0-only", "some words", "MIT OR GPL-2.0-only"])


@given(FILES, DECLARED, st.randoms())
@settings(max_examples=200)
def test_conclusions_do_not_depend_on_the_order_of_files(files: list[FileFacts], declared: str | None, order) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(files)
    order.shuffle(shuffled)
    result = conclude(files, declared)
    assert conclude(shuffled, declared) == result
    assert [c.file_id for c in result] == sorted(f.file_id for f in files)


@given(FILES, DECLARED)
@settings(max_examples=200)
def test_nothing_is_kept_without_a_grant_that_the_policy_allows(files: list[FileFacts], declared: str | None) -> None:
    paths = {f.file_id: f for f in files}
    for conclusion in conclude(files, declared):
        judged = POLICY.judge(conclusion)
        header = [f.expression for f in paths[conclusion.file_id].head if f.expression]
        if judged.allowed:
            assert not conclusion.uncertain and conclusion.expression is not None
            assert {NO_TRAINING, "Foo-1.0", "CC-BY-4.0"}.isdisjoint(header)
            offered = {"MIT OR GPL-2.0-only"} < set(header) or conclusion.directory_expression == "MIT OR GPL-2.0-only"
            assert "GPL-2.0-only" not in header or offered
            assert "GPL-2.0-only" not in header or any(e in header for e in ("MIT", "MIT AND ISC"))
            assert any(e.expression for e in conclusion.evidence)
        if any(f.outcome == "unknown" for f in paths[conclusion.file_id].head):
            assert conclusion.uncertain and not judged.allowed


@given(FILES, DECLARED)
@settings(max_examples=100)
def test_conclusions_fit_their_table(files: list[FileFacts], declared: str | None) -> None:
    import dataclasses

    rows = [dataclasses.asdict(c) for c in conclude(files, declared)]
    table = pa.Table.from_pylist(rows, schema=TABLES["license_conclusions"].schema)
    assert set(table.column("basis").to_pylist()) <= {
        "own_header",
        "ancestor_file",
        "package_metadata",
        "repository",
        "none",
    }


RESERVING = ["README.md", "README.fr.md", "docs/README.md", "LICENSE", "LICENSES/MIT.txt", "NOTICE", "LICENSE-OpenSSL"]
RESERVING += ["THIRD-PARTY-NOTICES", "LICENSE-MODEL", "README_EN.md", "package.json", "license.odt"]


@given(FILES, st.sampled_from(RESERVING))
@settings(max_examples=200)
def test_a_reservation_against_training_is_never_lost(files: list[FileFacts], stands_in: str) -> None:
    reserved = [*files, FileFacts("f" * 32, stands_in, "0" * 40, found("MIT", NO_TRAINING), ())]
    reserved = [f for f in reserved if f.path != stands_in or f.file_id == "f" * 32]
    for file, conclusion in zip(sorted(reserved, key=lambda f: f.file_id), conclude(reserved, None), strict=True):
        if not file.path.startswith(("vendor/", "a/node_modules/")):
            assert not POLICY.judge(conclusion).allowed
            assert any(NO_TRAINING in (piece.expression or "") for piece in conclusion.evidence)


def test_the_header_decides_what_a_file_is_and_the_directory_is_kept_beside_it() -> None:
    result = concluded(whole("LICENSE", "MIT"), head("a.c", "GPL-2.0-only"), head("b.c", "MIT"), head("c.c"))
    a, b, c = result["a.c"], result["b.c"], result["c.c"]
    assert (a.expression, a.header_expression, a.directory_expression, a.conflict) == (
        "GPL-2.0-only",
        "GPL-2.0-only",
        "MIT",
        True,
    )
    assert [e.role for e in a.evidence] == ["own_header", "ancestor_file"]
    assert (b.conflict, b.basis) == (False, "own_header")
    assert (c.header_expression, c.basis, c.conflict) == (None, "ancestor_file", False)


@pytest.mark.parametrize(
    ("named", "silent", "unread", "doubted"), [(1, 1, 0, False), (2, 1, 0, True), (2, 2, 3, True), (2, 3, 0, False)]
)
def test_two_heads_and_half_of_all_that_were_read_are_a_doubt_about_the_rest(
    named: int, silent: int, unread: int, doubted: bool
) -> None:
    files = [whole("LICENSE", "MIT"), *(head(f"g{n}.c", "GPL-2.0-only") for n in range(named))]
    files += [head(f"s{n}.c") for n in range(silent)]
    files += [FileFacts(f"u{n}.c", f"u{n}.c", "0" * 40) for n in range(unread)]
    for path, conclusion in concluded(*files).items():
        asked = any(claim.source == "siblings" for claim in conclusion.claims)
        assert asked == (doubted and path.startswith("s")), path


OF_TEXTS = ["CC-BY-4.0", "CC-BY-SA-4.0", "GFDL-1.3-only", "OFL-1.1", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0"]
OF_TEXTS += ["CDLA-Permissive-2.0", "Ubuntu-font-1.0", "Bitstream-Vera"]


@pytest.mark.parametrize("text", OF_TEXTS)
def test_a_licence_for_texts_fonts_or_data_is_not_that_of_the_code_beside_them(text: str) -> None:
    assert for_code(Said("ancestor_file", f"MIT AND {text}")).expression == "MIT"
    assert for_code(Said("ancestor_file", text)).expression == text


def test_a_reference_is_no_conflict() -> None:
    a = concluded(whole("LICENSE", "MIT"), head("a.c", REFERS), head("b.c", "MIT", REFERS))
    assert not a["a.c"].conflict and a["a.c"].expression == "MIT"
    assert not a["b.c"].conflict and a["b.c"].header_expression == "MIT"


def test_a_licence_that_states_its_own_choice_explains_the_texts_beside_it() -> None:
    perl = concluded(whole("LICENSE", "GPL-1.0-or-later OR Artistic-1.0-Perl", "GPL-1.0-or-later", "Artistic-1.0-Perl"))
    assert perl["LICENSE"].expression == "GPL-1.0-or-later OR Artistic-1.0-Perl"


def test_a_header_explains_a_text_only_where_all_texts_of_the_choice_are_there() -> None:
    a = concluded(
        head("a.c", "GPL-2.0-only", "MIT OR GPL-2.0-only"), head("b.c", "GPL-2.0-only", "MIT OR GPL-2.0-only", "MIT")
    )
    assert (a["a.c"].expression, a["b.c"].expression) == (
        "GPL-2.0-only AND (MIT OR GPL-2.0-only)",
        "MIT OR GPL-2.0-only",
    )


def test_a_choice_in_another_folder_explains_nothing() -> None:
    files = whole("LICENSE", "MIT"), whole("COPYING", "GPL-2.0-only"), whole("docs/README.md", "MIT OR GPL-2.0-only")
    assert concluded(*files, head("a.c"))["a.c"].expression == "GPL-2.0-only AND MIT"


def test_the_registry_may_offer_the_choice_for_the_root_only() -> None:
    files = whole("LICENSE", "MIT", "GPL-2.0-only"), whole("sub/LICENSE", "MIT", "GPL-2.0-only")
    result = concluded(*files, head("a.c"), head("sub/a.c"), declared="GPL-2.0-only OR MIT")
    assert result["a.c"].expression == "GPL-2.0-only OR MIT"
    assert result["sub/a.c"].expression == "GPL-2.0-only AND MIT"


def test_an_unreadable_licence_leaves_a_doubt_below_it_only() -> None:
    doubtful = FileFacts(
        "sub/LICENSE", "sub/LICENSE", "0" * 40, whole=(Finding("unknown", rule="gleanery-time-limit"),)
    )
    result = concluded(whole("LICENSE", "MIT"), doubtful, head("a.c"), head("sub/deep/a.c"))
    assert not result["a.c"].uncertain and result["sub/deep/a.c"].uncertain
    assert POLICY.judge(result["sub/deep/a.c"]).evidence == (
        "sub/LICENSE states a licence that could not be identified (rule gleanery-time-limit)",
    )


@pytest.mark.parametrize("disclaimer", ["warranty-disclaimer", "generic-tos", "generic-trademark"])
def test_a_licence_file_that_only_disclaims_is_a_doubt_and_gives_no_other_text_its_place(disclaimer: str) -> None:
    files = [whole("LICENSE.md", f"LicenseRef-scancode-{disclaimer}"), whole("licenses/MIT.txt", "MIT"), head("a.c")]
    for found in (concluded(*files), concluded(*files[:1], head("a.c")), concluded(*files, whole("COPYING", "ISC"))):
        assert found["a.c"].uncertain and POLICY.judge(found["a.c"]).reason == "license_unknown"
    beside = concluded(whole("LICENSE", "MIT", f"LicenseRef-scancode-{disclaimer}"), head("a.c"))
    assert not beside["a.c"].uncertain and POLICY.judge(beside["a.c"]).allowed


def test_a_changed_licence_is_named_and_never_kept_for_what_it_was() -> None:
    rule = f"{CHANGED}, mit.LICENSE"
    changed = Finding("changed", f"{CHANGED_TEXT} AND MIT", 99.0, rule, 6, 7)
    text = FileFacts("LICENSE", "LICENSE", "0" * 40, whole=(changed,))
    result = concluded(text, head("a.c"), head("b.c", "MIT"), head("c.c", "MIT OR GPL-2.0-only"))
    for found in result.values():
        assert found.uncertain and found.directory_expression == f"{CHANGED_TEXT} AND MIT"
        assert POLICY.judge(found).reason == "license_unknown"
    judged = POLICY.judge(result["a.c"])
    assert judged.rule == f"unknown: {CHANGED_TEXT} (its text was changed)"
    assert judged.evidence == (f"LICENSE lines 6-7 change the text of MIT (rule {rule}, score 99)",)


def test_a_file_that_names_owners_only_does_not_hide_the_licence_above() -> None:
    result = concluded(whole("LICENSE", "MIT"), whole("sub/COPYRIGHT"), head("sub/a.c"))
    assert POLICY.judge(result["sub/a.c"]).reason == "kept"


def test_an_expression_that_cannot_be_read_is_a_doubt() -> None:
    for text in ("MIT AND", "(" * 100 + "MIT" + ")" * 100, " AND ".join(f"A-{n}" for n in range(2000))):
        assert concluded(whole("LICENSE", text), head("a.c"))["a.c"].uncertain
        assert concluded(whole("LICENSE", "MIT"), head("a.c", text))["a.c"].uncertain


def test_evidence_is_bounded_and_names_the_strongest_first() -> None:
    files = whole("LICENSE", *["MIT"] * 100), head("a.c", "MIT")
    evidence = concluded(*files)["a.c"].evidence
    assert len(evidence) == MOST_EVIDENCE and evidence[0].role == "own_header"


def test_a_path_never_reaches_a_sentence_raw() -> None:
    path = "a\n\x1b[31m\u202e" + "x" * 1000 + "/LICENSE"
    (sentence,) = POLICY.judge(concluded(whole(path, "MIT"), head(path[:-7] + "a.c"))[path[:-7] + "a.c"]).evidence
    assert sentence.isprintable() and len(sentence) < 500


def test_ten_thousand_nested_folders_are_concluded_to_the_end() -> None:
    # A walk that starts anew at each folder would take hours here.
    deep = ["/".join(["d"] * n) + "/a.c" for n in range(1, 1000)]
    wide = [f"w{n}/x/y/a.c" for n in range(9000)]
    notices = [whole("/".join(["d"] * n) + "/NOTICE", "ISC") for n in range(1, 1000, 5)]
    files = [whole("LICENSE", "MIT"), *notices, *(head(p) for p in deep + wide)]
    result = concluded(*files)
    assert result[wide[-1]].expression == "MIT" and {c.expression for c in result[deep[-1]].claims} == {"ISC"}


def test_a_flood_of_pointers_in_a_header_does_not_push_out_the_evidence_that_decides() -> None:
    files = concluded(whole("LICENSE", "MIT"), head("a.py", *[REFERS] * 60))
    roles = {e.role for e in files["a.py"].evidence}
    assert files["a.py"].expression == "MIT"
    assert files["a.py"].basis in roles
    assert len(files["a.py"].evidence) <= MOST_EVIDENCE


def test_more_records_than_are_asked_leave_a_doubt() -> None:
    record = (Finding("found", "MIT", 100.0, "reuse-toml-closest", 1, 1, paths=("reuse:**",)),)
    at = ["/".join(["d"] * n + ["REUSE.toml"]) for n in range(17)]
    files = [FileFacts(path, path, "0" * 40, whole=record) for path in at]
    result = concluded(*files, head("/".join(["d"] * 15 + ["a.c"])), head("/".join(["d"] * 16 + ["a.c"])))
    assert [c.uncertain for path, c in sorted(result.items()) if path.endswith("a.c")] == [False, True]


def test_copies_of_all_licence_files_offer_the_choice_of_the_folder_they_were_copied_from() -> None:
    gpl, mit, manifest = (
        (Finding("found", said, 100.0, "x", 1, 1),) for said in ("GPL-3.0-only", "MIT", "MIT OR GPL-3.0-only")
    )
    files = [FileFacts("Cargo.toml", "Cargo.toml", "3" * 40, manifest)]
    for folder in ("", "core/", "third_party/other/"):
        files += [
            FileFacts(f"{folder}COPYING", f"{folder}COPYING", "1" * 40, gpl),
            FileFacts(f"{folder}LICENSE-MIT", f"{folder}LICENSE-MIT", "2" * 40, mit),
            FileFacts(f"{folder}a.rs", f"{folder}a.rs", "4" * 40, head=(Finding("none"),)),
        ]
    files += [
        FileFacts("gpl/COPYING", "gpl/COPYING", "1" * 40, gpl),
        FileFacts("gpl/a.rs", "gpl/a.rs", "4" * 40, head=(Finding("none"),)),
    ]
    said = {c.file_id: c.expression for c in conclude(files, None)}
    assert said["a.rs"] == said["core/a.rs"] == "MIT OR GPL-3.0-only"
    assert said["gpl/a.rs"] == "GPL-3.0-only" and said["third_party/other/a.rs"] == "GPL-3.0-only AND MIT"

"""The policy: what its file says, and that expressions are judged by logic and never by words in a string."""

import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing import spdx_texts
from gleanery.licensing.answers import ALLOW, DENY, NEUTRAL, REFERENCE, UNKNOWN
from gleanery.licensing.catalogue import text as catalogue_text
from gleanery.licensing.conclude import Claim, Conclusion
from gleanery.licensing.groups import CATEGORIES, SOURCES
from gleanery.licensing.policy import Policy
from gleanery.records.errors import StopRun
from gleanery.records.reasons import REASONS

FILE = resources.files("gleanery.licensing").joinpath("policy.toml")
DATA = tomllib.loads(FILE.read_text("utf-8"))
POLICY = Policy.load()
REFERS = "LicenseRef-scancode-unknown-license-reference"


def conclusion(
    header: str | None, directory: str | None, conflict: bool = False, uncertain: bool = False
) -> Conclusion:
    return Conclusion("f", header or directory, header, directory, "own_header", conflict, uncertain, ())


def test_each_group_has_a_reason_and_each_profile_a_summary() -> None:
    assert all(len(group["reason"]) > 40 and group["category"] in CATEGORIES for group in DATA["groups"].values())
    assert all(profile["summary"] for profile in DATA["profiles"].values())
    assert {"permissive", "permissive+weak-copyleft", "public-domain-only"} <= set(DATA["profiles"])


def test_no_licence_stands_in_two_groups() -> None:
    names = [key.lower() for group in DATA["groups"].values() for key in group["licenses"]]
    assert len(names) == len(set(names))


def test_no_profile_allows_what_is_restricted_or_copyleft() -> None:
    for name, profile in DATA["profiles"].items():
        others = [group for group in profile["groups"] if (name, group) != ("own-code", "own")]
        found = {DATA["groups"][group]["category"] for group in others}
        assert found <= {"permissive", "public-domain", "weak-copyleft"}


@pytest.mark.slow
def test_the_detector_knows_every_licence_of_the_policy() -> None:
    from gleanery.licensing.findings import LIMITED_USE, NO_TRAINING
    from gleanery.licensing.index import scancode_parts
    from gleanery.licensing.restricted_names import FAIR_SOURCE

    known = set(scancode_parts().symbols) | {spdx.lower() for spdx in spdx_texts.texts()}
    named = [key for group in DATA["groups"].values() for key in group["licenses"]] + DATA["exceptions"]["known"]
    assert [key for key in named if key.lower() not in known] == [
        "LicenseRef-gleanery-own-code",
        LIMITED_USE,
        FAIR_SOURCE,
        "UNLICENSED",
        NO_TRAINING,
    ]
    prefixes = [prefix.lower() for group in DATA["groups"].values() for prefix in group.get("prefixes", [])]
    future = ["fsl-", "futo-"]  # younger than the detector's list of licences
    assert [p for p in prefixes if p not in future and not any(key.startswith(p) for key in known)] == []


@pytest.mark.parametrize(
    ("answer", "expressions"),
    [
        (
            ALLOW,
            "MIT|Apache-2.0|BSD-3-Clause|WTFPL|0BSD|Unlicense|CC0-1.0|BSL-1.0|Zlib|ISC|NCSA|PSF-2.0|Python-2.0|PostgreSQL|"
            "curl|X11|MIT-0|BlueOak-1.0.0|mit|MIT OR GPL-3.0-only|Apache-2.0 WITH LLVM-exception|MIT AND BSD-2-Clause|"
            f"MIT AND {REFERS}|MIT AND LicenseRef-scancode-dco-1.1|GPL-2.0-only OR Artistic-1.0-Perl",
        ),
        (
            DENY,
            "GPL-2.0-only|GPL-3.0-or-later|AGPL-3.0-only|LGPL-2.1-only|MPL-2.0|EPL-2.0|CC-BY-4.0|CC-BY-SA-4.0|"
            "CC-BY-NC-4.0|BUSL-1.1|SSPL-1.0|Elastic-2.0|JSON|MIT AND GPL-2.0-only|"
            "GPL-2.0-only WITH Classpath-exception-2.0|GPL-2.0+|"
            "Apache-2.0 WITH LicenseRef-scancode-commons-clause|LicenseRef-scancode-proprietary-license|UNLICENSED|"
            "GPL-2.0-only AND Foo-1.0|LicenseRef-gleanery-no-ai-training|PolyForm-Noncommercial-1.0.0",
        ),
        (
            UNKNOWN,
            "Foo-1.0|MIT AND Foo-1.0|MIT WITH Foo-exception|MIT AND|BSD|LicenseRef-scancode-unknown|3D-Slicer-1.0|"
            "Foo OR GPL-2.0-only",
        ),
        (REFERENCE, f"{REFERS}|LicenseRef-scancode-other-permissive|LLVM-exception"),
        (NEUTRAL, "LicenseRef-scancode-dco-1.1|LicenseRef-scancode-warranty-disclaimer"),
    ],
)
def test_each_expression_has_its_answer(answer: str, expressions: str) -> None:
    assert {e: POLICY.answer(e) for e in expressions.split("|")} == dict.fromkeys(expressions.split("|"), answer)


def test_a_word_inside_another_name_is_no_licence() -> None:
    assert POLICY.answer("NOT-MIT") == POLICY.answer("MITX") == POLICY.answer("LicenseRef-MIT") == UNKNOWN


def test_the_version_names_profile_date_and_digest_of_the_file(tmp_path: Path) -> None:
    name, _, digest = POLICY.version.partition("/sha256:")
    assert name == f"permissive@{DATA['reviewed']}" and len(digest) == 12
    other = tmp_path / "policy.toml"
    other.write_text(FILE.read_text("utf-8") + "# one word more\n", "utf-8")
    assert Policy.load(path=other).version != POLICY.version


def test_profiles_differ_where_they_should() -> None:
    weak, public = Policy.load("permissive+weak-copyleft"), Policy.load("public-domain-only")
    assert [p.answer("MPL-2.0") for p in (POLICY, weak, public)] == [DENY, ALLOW, DENY]
    assert [p.answer("LGPL-3.0-or-later WITH OCaml-LGPL-linking-exception") for p in (POLICY, weak)] == [DENY, ALLOW]
    assert [p.answer("MIT") for p in (POLICY, weak, public)] == [ALLOW, ALLOW, DENY]
    assert [p.answer("CC0-1.0") for p in (POLICY, weak, public)] == [ALLOW, ALLOW, ALLOW]
    assert [p.answer("GPL-3.0-only") for p in (POLICY, weak, public)] == [DENY, DENY, DENY]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 3", "not valid TOML"),
        ("reviewed = 1", "no `profiles`"),
        (FILE.read_text("utf-8").replace('category = "copyleft"', 'category = "nice"'), "needs a known category"),
        (FILE.read_text("utf-8").replace('"UNLICENSED",', '"UNLICENSED", "MIT",'), "in two groups"),
        (FILE.read_text("utf-8").replace('groups = ["public-domain"]', 'groups = ["nothing"]'), "do not exist"),
        (FILE.read_text("utf-8").replace('doubts = ["reuse"', 'doubts = ["hearsay"'), "sources that do not exist"),
        (FILE.read_text("utf-8").replace("doubts = [", "doubt = ["), "a key that does not exist: 'doubt'"),
        (FILE.read_text("utf-8").replace("vetoes = [", "veto = ["), "a key that does not exist: 'veto'"),
        (FILE.read_text("utf-8").replace("head_explains = false", 'head_explains = "false"'), "than true or false"),
        (FILE.read_text("utf-8").replace("needs_text = true", "needs_text = 1"), "than true or false"),
        (FILE.read_text("utf-8").replace("head_explains = false", 'header_decides = "false"'), "than true or false"),
        (FILE.read_text("utf-8").replace('groups = ["public-domain"]', 'groups = "public-domain"'), "a list of texts"),
        (FILE.read_text("utf-8").replace('groups = ["public-domain"]', ""), "has no 'groups'"),
        (FILE.read_text("utf-8").replace('"UNLICENSED",', '"UNLICENSED", "",'), "a list of texts"),
        (FILE.read_text("utf-8").replace("prefixes = [", "prefix = ["), "a key that does not exist: 'prefix'"),
        (FILE.read_text("utf-8").replace('vetoes = ["header", ', "vetoes = ["), "not among its `vetoes`: header"),
        (FILE.read_text("utf-8").replace('= ["notice', '= ["notise'), "obligations that do not exist: notise"),
        (FILE.read_text("utf-8") + "\n[profile.permissive]\n", "a key that does not exist: 'profile'"),
        (FILE.read_text("utf-8").replace("[profiles.strict]", "[groups.strict]"), "a key that does not exist"),
        (FILE.read_text("utf-8").replace("[remarks]", "[[remarks]]"), "something else in 'remarks' than a table"),
    ],
)
def test_a_faulty_policy_stops_the_run_and_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(StopRun, match=message):
        Policy.load(path=path)


def test_an_unknown_profile_stops_the_run_and_names_the_known_ones() -> None:
    with pytest.raises(StopRun) as caught:
        Policy.load("generous")
    assert "public-domain-only" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "directory", "reason"),
    [
        (None, None, "license_missing"),
        ("MIT", None, "kept"),
        (None, "MIT", "kept"),
        ("MIT", "Apache-2.0", "kept"),
        ("GPL-2.0-only", "MIT", "license_conflict"),
        ("MIT", "GPL-2.0-only", "license_conflict"),
        ("GPL-2.0-only", "GPL-2.0-only", "license_not_allowed"),
        ("GPL-2.0-only", None, "license_not_allowed"),
        ("Foo", "MIT", "license_unknown"),
        ("MIT", "Foo", "license_unknown"),
        (REFERS, "MIT", "kept"),
        ("MIT", REFERS, "kept"),
        (REFERS, None, "license_unknown"),
        (REFERS, REFERS, "license_unknown"),
    ],
)
def test_header_and_directory_must_both_allow(header: str | None, directory: str | None, reason: str) -> None:
    judged = POLICY.judge(conclusion(header, directory, conflict=bool(header and directory and header != directory)))
    assert (judged.reason, judged.allowed) == (reason, reason == "kept")


def test_doubt_is_never_kept_and_never_hides_a_denial() -> None:
    assert POLICY.judge(conclusion("MIT", "MIT", uncertain=True)).reason == "license_unknown"
    assert POLICY.judge(conclusion(None, None, uncertain=True)).reason == "license_unknown"
    assert POLICY.judge(conclusion("GPL-2.0-only", None, uncertain=True)).reason == "license_not_allowed"


def test_the_rule_names_the_licence_that_decided_and_its_group() -> None:
    assert POLICY.judge(conclusion(None, "MIT AND GPL-2.0-only")).rule == "deny: GPL-2.0-only (copyleft)"
    assert POLICY.judge(conclusion("MIT OR GPL-2.0-only", None)).rule == (
        "allow: MIT (attribution); chosen: MIT from MIT OR GPL-2.0-only"
    )
    assert POLICY.judge(conclusion("Foo-1.0", None)).rule == "unknown: Foo-1.0 (not in the policy)"
    for expression in ("MIT", None):
        judged = POLICY.judge(conclusion(None, expression, uncertain=True))
        assert judged.rule == "some evidence states a licence that could not be identified"
    many = [f"GPL-{version}-only" for version in ("1.0", "2.0", "3.0")] + [f"AGPL-{v}-only" for v in ("1.0", "3.0")]
    many += [f"LGPL-{version}-only" for version in ("2.0", "2.1", "3.0")]
    assert " more" not in POLICY.judge(conclusion(None, " AND ".join(many))).rule
    assert POLICY.judge(conclusion(None, " AND ".join([*many, "SSPL-1.0"]))).rule.endswith(" and 1 more")


def with_claim(source: str, expression: str | None) -> Conclusion:
    return replace(conclusion(None, "MIT", conflict=True), claims=(Claim(source, "a/package.json", expression),))


@pytest.mark.parametrize(
    ("profile", "source", "expression", "reason"),
    [
        ("permissive", "manifest", "BUSL-1.1", "license_conflict"),
        ("permissive", "readme", "GPL-3.0-only", "license_conflict"),
        ("permissive", "registry", "GPL-3.0-only", "license_conflict"),
        ("permissive", "header", "GPL-3.0-only", "license_conflict"),
        ("permissive", "manifest", "ISC", "kept"),
        ("permissive", "manifest", None, "license_conflict"),
        ("permissive", "readme", "Foo-1.0", "kept"),
        ("permissive", "above", "GPL-3.0-only", "kept"),
        ("strict", "readme", "Foo-1.0", "license_conflict"),
        ("strict", "above", "GPL-3.0-only", "license_conflict"),
        ("strict", "above", "ISC", "kept"),
        ("permissive+weak-copyleft", "manifest", "MPL-2.0", "kept"),
        ("public-domain-only", "manifest", "ISC", "license_not_allowed"),
    ],
)
def test_a_claim_refuses_a_file_as_the_profile_says(
    profile: str, source: str, expression: str | None, reason: str
) -> None:
    judged = Policy.load(profile).judge(with_claim(source, expression))
    assert (judged.reason, judged.allowed) == (reason, reason == "kept")
    if reason == "license_conflict":
        assert judged.rule.endswith(f"stated by the {source}")


def test_a_claim_never_makes_a_file_allowed() -> None:
    for source in SOURCES:
        for header in (None, "GPL-2.0-only", "Foo-1.0", REFERS):
            doubtful = replace(conclusion(header, None), claims=(Claim(source, "README", "MIT"),))
            assert not any(Policy.load(name).judge(doubtful).allowed for name in DATA["profiles"])


def test_the_allowed_side_of_a_choice_is_chosen_and_its_duties_are_named() -> None:
    judged = POLICY.judge(conclusion(None, "GPL-2.0-only OR Apache-2.0"))
    assert (judged.chosen, judged.obligations) == ("Apache-2.0", ("notice", "patents", "state-changes"))
    assert judged.rule.endswith("chosen: Apache-2.0 from GPL-2.0-only OR Apache-2.0")
    both = POLICY.judge(conclusion("Zlib", "CC0-1.0"))
    assert (both.chosen, both.obligations) == ("Zlib", ("notice", "state-changes"))
    assert POLICY.chosen("GPL-2.0-only AND MIT") is None and POLICY.obligations("GPL-2.0-only") == ()


def test_a_text_beside_a_header_that_offers_it_as_a_choice_is_explained() -> None:
    perl = conclusion("GPL-1.0-or-later OR Artistic-1.0-Perl", "GPL-2.0-only", conflict=True)
    assert POLICY.judge(perl).reason == "kept"
    assert POLICY.judge(perl).rule == (
        "the header decides: allow: Artistic-1.0-Perl (attribution-older); "
        "chosen: Artistic-1.0-Perl from GPL-1.0-or-later OR Artistic-1.0-Perl"
    )
    listed = conclusion("GPL-2.0-only AND MIT", "GPL-2.0-only OR MIT", conflict=True)
    assert POLICY.judge(listed).rule == (
        "the folder decides: allow: MIT (attribution); chosen: MIT from GPL-2.0-only OR MIT"
    )
    assert POLICY.judge(conclusion("MIT OR Apache-2.0", "GPL-2.0-only", conflict=True)).reason == "license_conflict"
    assert POLICY.judge(conclusion("MIT", "GPL-2.0-only", conflict=True)).reason == "license_conflict"


def test_attribution_free_asks_for_nothing() -> None:
    free = Policy.load("attribution-free")
    kept = {key for group in DATA["groups"].values() for key in group["licenses"] if free.answer(key) == ALLOW}
    assert {"0BSD", "MIT-0", "CC0-1.0", "Unlicense"} <= kept and not {"MIT", "ISC", "Zlib", "BSL-1.0"} & kept
    assert not any(free.obligations(key) for key in kept)


def test_only_the_profile_for_own_code_allows_what_its_owner_states() -> None:
    own = "LicenseRef-gleanery-own-code"
    allowed = [name for name in DATA["profiles"] if Policy.load(name).answer(own) == ALLOW]
    assert allowed == ["own-code"]
    assert Policy.load("own-code").judge(conclusion("GPL-3.0-only", own, conflict=True)).reason == "license_conflict"


def test_licences_outside_the_policy_are_known_by_the_category_of_the_detector() -> None:
    assert [POLICY.answer(key) for key in ("APL-1.0", "LicenseRef-scancode-adobe-eula")] == [DENY, DENY]
    assert POLICY.judge(conclusion("APL-1.0", None)).rule == "deny: APL-1.0 (listed as Copyleft)"
    assert POLICY.reason("JSON") != POLICY.reason("PolyForm-Shield-1.0.0") and POLICY.reason("Foo-1.0") is None


def test_the_catalogue_is_what_the_detector_ships() -> None:
    assert resources.files("gleanery.licensing").joinpath("catalogue.toml").read_text("utf-8") == catalogue_text()


def test_every_duty_is_explained() -> None:
    groups = [group.get("obligations", []) for group in DATA["groups"].values()]
    single = [entry.get("obligations", []) for entry in DATA["licenses"].values()]
    assert {duty for duties in groups + single for duty in duties} <= set(DATA["obligations"])


def test_every_reason_is_a_code_of_the_product() -> None:
    cases = [None, "MIT", "GPL-2.0-only", "Foo", REFERS]
    for header in cases:
        for directory in cases:
            for uncertain in (False, True):
                assert POLICY.judge(conclusion(header, directory, header != directory, uncertain)).reason in REASONS


# One licence for each answer, and a second evaluator that is as plain as can be: the tables of AND and OR written out.
SAMPLES = {
    "MIT": ALLOW,
    "ISC": ALLOW,
    "GPL-2.0-only": DENY,
    "Foo-1.0": UNKNOWN,
    REFERS: REFERENCE,
    "LicenseRef-scancode-dco-1.1": NEUTRAL,
}
TREES = st.recursive(
    st.sampled_from(sorted(SAMPLES)),
    lambda parts: st.tuples(st.sampled_from(["AND", "OR"]), st.lists(parts, min_size=2, max_size=3)),
    max_leaves=8,
)


def written(tree: object) -> str:
    if isinstance(tree, str):
        return tree
    assert isinstance(tree, tuple)
    word, parts = tree
    return "(" + f" {word} ".join(written(part) for part in parts) + ")"


def reference(tree: object) -> str:
    if isinstance(tree, str):
        return SAMPLES[tree]
    assert isinstance(tree, tuple)
    word, parts = tree
    answers = [reference(part) for part in parts]
    counts = {answer: answers.count(answer) for answer in (ALLOW, DENY, UNKNOWN, REFERENCE, NEUTRAL)}
    if word == "OR":
        if counts[ALLOW]:
            return ALLOW
        if counts[UNKNOWN] or (counts[REFERENCE] and counts[DENY]):
            return UNKNOWN
        if counts[REFERENCE]:
            return REFERENCE
        return DENY if counts[DENY] else NEUTRAL
    if counts[DENY]:
        return DENY
    if counts[UNKNOWN]:
        return UNKNOWN
    if counts[ALLOW]:
        return ALLOW
    return REFERENCE if counts[REFERENCE] else NEUTRAL


@given(TREES)
@settings(max_examples=300)
def test_expressions_are_evaluated_by_the_laws_of_and_and_or(tree: object) -> None:
    assert POLICY.answer(written(tree)) == reference(tree)


@given(TREES, TREES)
def test_more_duties_never_allow_more_and_more_choices_never_allow_less(one: object, two: object) -> None:
    a, b = written(one), written(two)
    both, either = POLICY.answer(f"{a} AND {b}"), POLICY.answer(f"{a} OR {b}")
    if both == ALLOW:
        assert ALLOW in (POLICY.answer(a), POLICY.answer(b))
        assert DENY not in (POLICY.answer(a), POLICY.answer(b))
    if ALLOW in (POLICY.answer(a), POLICY.answer(b)):
        assert either == ALLOW


@given(TREES)
def test_restricted_means_known_and_denied(tree: object) -> None:
    text = written(tree)
    assert POLICY.restricted(text) == (reference(tree) == DENY)
    if POLICY.answer(text) == ALLOW:
        assert POLICY.category(text) in ("permissive", "public-domain")


@given(st.text(max_size=60))
def test_free_text_never_raises_and_is_never_allowed_by_chance(text: str) -> None:
    answer = POLICY.answer(text)
    if answer == ALLOW:
        assert any(key.lower() in text.lower() for group in DATA["groups"].values() for key in group["licenses"])


def test_hostile_expressions_are_unknown() -> None:
    for text in (
        "(" * 5000 + "MIT" + ")" * 5000,
        " OR ".join(["MIT"] * 5000),
        "MIT\x00",
        "MIT;",
        "()",
        "MIT AND OR ISC",
    ):
        assert POLICY.answer(text) == UNKNOWN
        assert POLICY.category(text) == "unknown"


def test_a_profile_may_let_heads_decide_but_not_against_a_reservation_of_training() -> None:
    profile = DATA["profiles"]["permissive"] | {"header_decides": True}
    policy = Policy(DATA | {"profiles": {"heads": profile}}, "heads", "0" * 64)
    assert policy.judge(conclusion("MIT", "GPL-3.0-only", conflict=True)).reason == "kept"
    assert policy.judge(conclusion("MIT", "LicenseRef-gleanery-no-ai-training AND MIT", conflict=True)).allowed is False
    assert policy.judge(conclusion("GPL-3.0-only", "MIT", conflict=True)).reason == "license_conflict"
    assert POLICY.judge(conclusion("MIT", "GPL-3.0-only", conflict=True)).reason == "license_conflict"

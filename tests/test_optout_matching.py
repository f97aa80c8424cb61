"""Names: every spelling of a repository gives one canonical name, and rules cover what they say and no more."""

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.optout.forges import named_repository
from gleanery.optout.matching import Matcher, Rule, canonical_repository, rule_keys
from gleanery.optout.settings import WebSettings
from gleanery.optout.typed import rule_value
from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import OTHER_SPELLINGS
from gleanery.records.names import canonical_blob, canonical_owner
from gleanery.records.readings import is_unreadable

GOLDEN = Path(__file__).parent / "golden" / "optout"
SPELLINGS = [line.split("\t") for line in (GOLDEN / "spellings.tsv").read_text().splitlines()]
NOT_NAMES = (GOLDEN / "not_names.txt").read_text().splitlines()

owners = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}[A-Za-z0-9_]", fullmatch=True).filter(
    lambda name: not name.lower().endswith((".git", ".wiki"))
)
forms = st.sampled_from(
    [
        "https://github.com/{0}/{1}",
        "http://www.github.com/{0}/{1}.git",
        "git@github.com:{0}/{1}.git",
        "ssh://git@github.com:22/{0}/{1}",
        "git+https://x:y@github.com:443/{0}/{1}/issues?q=1#top",
        "github:{0}/{1}",
        "https://api.github.com/repos/{0}/{1}/zipball",
        " GitHub.com/{0}/{1}/ ",
        "pkg:github/{0}/{1}",
    ]
)
cases = st.sampled_from([str.lower, str.upper, str.title, str])


@pytest.mark.parametrize(("canonical", "spelling"), SPELLINGS)
def test_each_spelling_in_the_list_gives_its_canonical_name(canonical: str, spelling: str) -> None:
    assert canonical_repository(spelling) == canonical


def test_every_host_that_is_known_by_another_name_has_a_spelling_in_the_list() -> None:
    hosts = {found for _, spelling in SPELLINGS for found in re.findall(r"(?:://|@)([\w.-]+)[:/]", spelling)}
    assert OTHER_SPELLINGS - hosts == set()


@pytest.mark.parametrize("text", [*NOT_NAMES, "", " ", "a\x00b/c", "https://github.com/a/" + "b" * 5000])
def test_what_names_no_repository_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(RejectRecord) as refused:
        canonical_repository(text)
    assert refused.value.hint
    assert len(text) < 8 or text not in refused.value.message + refused.value.hint


@given(owners, names, forms, cases)
def test_all_spellings_of_one_repository_agree(owner: str, name: str, form: str, case: object) -> None:
    assert callable(case)
    assert canonical_repository(form.format(case(owner), case(name))) == f"github.com/{owner}/{name}".lower()


@given(st.text(max_size=80) | st.from_regex(r"(https?|ssh|git)://[a-z0-9.:@\[\]-]{1,20}/[a-zA-Z0-9./%~-]{0,30}"))
def test_any_text_is_refused_or_made_canonical_in_a_safe_alphabet(text: str) -> None:
    try:
        name = canonical_repository(text)
    except RejectRecord:
        return
    assert name == name.lower() and "//" not in name and ".." not in name.split("/")
    assert re.fullmatch(r"([\w .~@+:/[\]-]|%[0-9a-f]{2})+", name) and not set(name) & set("\r\n\t")


@given(owners, names, st.sampled_from(["github.com", "gitlab.com", "codeberg.org"]))
def test_a_canonical_name_is_its_own_canonical_name(owner: str, name: str, host: str) -> None:
    once = canonical_repository(f"{host}/{owner}/{name}")
    assert canonical_repository(once) == once


@given(owners, names, forms, cases)
def test_a_rule_meets_the_repository_under_every_spelling(owner: str, name: str, form: str, case: object) -> None:
    assert callable(case)
    rule = Rule(1, "repo", canonical_repository(f"github.com/{owner}/{name}"), "block", None)
    assert Matcher([rule]).blocks_repository([form.format(case(owner), case(name))]) == rule


def _rule(seq: int, scope: str, value: str, action: str = "block") -> Rule:
    return Rule(seq, scope, value, action, None)


def test_an_owner_rule_covers_all_repositories_of_that_owner_and_no_namesake() -> None:
    rule = _rule(1, "owner", "github.com/alice")
    matcher = Matcher([rule])
    assert matcher.blocks_repository(["https://github.com/ALICE/any"]) == rule
    assert matcher.blocks_repository(["https://github.com/alice2/any"]) is None
    assert matcher.blocks_repository(["https://github.com/ali/ce"]) is None
    assert matcher.blocks_repository(["https://gitlab.com/alice/any"]) is None


def test_an_owner_rule_covers_gists_and_wikis_too() -> None:
    matcher = Matcher([_rule(1, "owner", canonical_owner("https://gist.github.com/Alice"))])
    assert matcher.blocks_repository(["https://gist.github.com/alice/0123456789abcdef0123456789abcdef"])
    assert matcher.blocks_repository(["https://github.com/alice/lib.wiki.git"])
    assert matcher.blocks_repository(["https://gist.github.com/bob/0123456789abcdef0123456789abcdef"]) is None
    wiki = Matcher([_rule(1, "repo", "github.com/alice/lib")])
    assert wiki.blocks_repository(["https://github.com/alice/lib.wiki.git"])
    assert wiki.blocks_repository(["https://github.com/alice/wiki"]) is None


@pytest.mark.parametrize(
    ("scope", "value", "address"),
    [
        ("owner", "gist.github.com/alice", "https://gist.github.com/alice/0123456789abcdef"),
        ("repo", "gist.github.com/alice/0123456789abcdef", "https://gist.github.com/alice/0123456789abcdef.git"),
        ("repo", "github.com/alice/lib.wiki", "https://github.com/alice/lib.wiki.git"),
        ("repo", "pypi.python.org/pypi/lib", "https://pypi.python.org/pypi/lib"),
        ("repo", "raw.github.com/alice/lib", "https://raw.github.com/alice/lib/main/a.zip"),
    ],
)
def test_a_rule_that_is_older_than_a_spelling_still_covers_what_it_named(scope: str, value: str, address: str) -> None:
    matcher = Matcher([_rule(1, scope, value)])
    assert matcher.blocks_repository([address])
    assert Matcher([*matcher.rules, _rule(2, scope, value, "unblock")]).blocks_repository([address]) is None


def test_a_gist_without_its_account_cannot_be_compared() -> None:
    assert is_unreadable("https://gist.github.com/0123456789abcdef.git")
    assert not is_unreadable("https://gist.github.com/alice/0123456789abcdef.git")


def test_an_owner_rule_for_a_group_covers_its_subgroups() -> None:
    matcher = Matcher([_rule(1, "owner", canonical_owner("gitlab.com/group/sub"))])
    assert matcher.blocks_repository(["https://gitlab.com/group/sub/deep/lib"])
    assert matcher.blocks_repository(["https://gitlab.com/group/other/lib"]) is None


def test_a_page_inside_a_repository_of_an_unknown_forge_is_covered() -> None:
    matcher = Matcher([_rule(1, "repo", "forge.example.org/alice/lib")])
    assert matcher.blocks_repository(["https://forge.example.org/alice/lib/src/branch/main"])
    assert matcher.blocks_repository(["https://forge.example.org/alice/library"]) is None


def test_one_blocked_alias_blocks_the_repository() -> None:
    rule = _rule(3, "repo", "github.com/oldname/lib")
    names = ["newname/lib", "https://github.com/newname/lib", "OldName/lib"]
    assert Matcher([rule]).blocks_repository(names) == rule


def test_a_bare_name_is_read_on_the_hosts_of_the_other_names() -> None:
    matcher = Matcher([_rule(1, "repo", "github.com/alice/lib")])
    assert matcher.blocks_repository(["alice/lib", "https://gitlab.com/alice/lib"]) is None
    assert matcher.blocks_repository(["alice/lib", "https://github.com/mirror/lib"])


def test_a_bare_name_with_no_host_at_all_is_blocked_by_a_rule_on_any_host() -> None:
    matcher = Matcher([_rule(1, "repo", "codeberg.org/alice/lib"), _rule(2, "owner", "github.com/bob")])
    assert matcher.blocks_repository(["Alice/Lib"])
    assert matcher.blocks_repository(["bob/anything"])
    assert matcher.blocks_repository(["carol/lib"]) is None
    assert Matcher([_rule(1, "owner", "github.com/github")]).blocks_repository(["github/docs"])


def test_packages_and_local_folders_are_matched_by_their_name() -> None:
    matcher = Matcher([_rule(1, "repo", "pypi/my-package"), _rule(2, "owner", "npm/@scope")])
    assert matcher.blocks_repository(["pypi/My_Package"])
    assert matcher.blocks_repository(["npm/my-package"]) is None
    assert matcher.blocks_repository(["npm/@scope/lib"])
    assert matcher.blocks_repository(["local/my-package"]) is None
    assert Matcher([_rule(1, "repo", "pypi/alice")]).blocks_repository(["alice/lib"]) is None


def test_the_last_word_on_a_value_counts_and_other_values_are_untouched() -> None:
    rules = [
        _rule(1, "owner", "github.com/alice"),
        _rule(2, "repo", "github.com/alice/lib"),
        _rule(3, "repo", "github.com/alice/lib", "unblock"),
    ]
    assert Matcher(rules[:2]).blocks_repository(["github.com/alice/lib"]) == rules[0]
    assert Matcher(rules).blocks_repository(["github.com/alice/lib"]) == rules[0]
    assert Matcher(rules[1:]).blocks_repository(["github.com/alice/lib"]) is None
    assert Matcher([*rules[1:], _rule(4, "repo", "github.com/alice/lib")]).blocks_repository(["github.com/alice/lib"])


@given(st.permutations([_rule(n, "repo", "github.com/a/b", "block" if n % 2 else "unblock") for n in range(1, 6)]))
def test_the_order_in_which_rules_are_handed_over_does_not_matter(rules: list[Rule]) -> None:
    found = Matcher(rules).blocks_repository(["github.com/a/b"])
    assert found is not None and found.seq == 5


def test_a_blob_rule_covers_the_content_and_nothing_else() -> None:
    blob = canonical_blob("E69DE29BB2D1D6434B8B29AE775AD8C2E48C5391")
    matcher = Matcher([_rule(1, "blob", blob)])
    assert matcher.blocks_blob(blob.upper())
    assert matcher.blocks_blob("0" * 40) is None
    assert matcher.blocks_repository([f"github.com/{blob}/{blob}", f"x/{blob}", blob]) is None
    with pytest.raises(RejectRecord):
        canonical_blob("e69de29")


def test_names_that_mean_nothing_block_nothing_and_break_nothing() -> None:
    matcher = Matcher([_rule(1, "repo", "github.com/alice/lib")])
    assert matcher.blocks_repository([]) is None
    assert matcher.blocks_repository(["", "???", "/srv/git/lib", "x" * 10_000, "a\x00/b"]) is None
    assert matcher.blocks_repository(["???", "https://github.com/alice/lib"])


def test_a_matcher_survives_the_way_to_a_worker() -> None:
    matcher = Matcher([_rule(1, "repo", "github.com/alice/lib")])
    assert pickle.loads(pickle.dumps(matcher)).blocks_repository(["github.com/alice/lib"])


def test_the_keys_of_a_name_are_all_that_can_cover_it() -> None:
    assert set(rule_keys("gitlab.com/g/s/lib")) == {
        ("repo", "gitlab.com/g"),
        ("owner", "gitlab.com/g"),
        ("repo", "gitlab.com/g/s"),
        ("owner", "gitlab.com/g/s"),
        ("repo", "gitlab.com/g/s/lib"),
    }


@pytest.mark.parametrize(
    ("typed", "clone_url"),
    [
        ("GitHub.com/Alice/Lib", "https://github.com/Alice/Lib.git"),
        ("git@gitlab.com:Group/Sub/Lib.git", "https://gitlab.com/Group/Sub/Lib.git"),
        ("https://git.sr.ht/~alice/lib/tree", "https://git.sr.ht/~alice/lib"),
        ("http://codeberg.org/alice/lib", "https://codeberg.org/alice/lib.git"),
        ("https://gist.github.com/Alice/0123abcd0123abcd0123", "https://gist.github.com/0123abcd0123abcd0123.git"),
        # Strangers may edit a wiki, so the repository itself has to hold the proof.
        ("https://github.com/alice/lib.wiki.git", "https://github.com/alice/lib.git"),
        ("https://forge.example.org/Alice/lib.git", "https://forge.example.org/Alice/lib.git"),
        ("http://forge.example.org/Alice/lib", "https://forge.example.org/Alice/lib"),
    ],
)
def test_a_listed_host_gets_a_clone_url_that_we_put_together(typed: str, clone_url: str) -> None:
    settings = WebSettings(extra_hosts=("forge.example.org",))
    assert named_repository(typed, settings).clone_url == clone_url


@pytest.mark.parametrize("clone_url", ["http://forge.example.org/Alice/lib", "https://forge.example.org/Alice/lib"])
def test_a_forge_of_the_operators_own_network_is_asked_as_the_owner_wrote_it(clone_url: str) -> None:
    settings = WebSettings(extra_hosts=("forge.example.org",), allow_local=True)
    assert named_repository(clone_url, settings).clone_url == clone_url


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("https://internal.example.org/a/b", "Only repositories on these hosts"),
        ("http://169.254.169.254/latest/meta-data", "Only repositories on these hosts"),
        ("https://github.com.evil.example/a/b", "Only repositories on these hosts"),
        ("https://github.com@evil.example/a/b", "Only repositories on these hosts"),
        ("https://github.com:8443/a/b", "Only repositories on these hosts"),
        ("pypi/requests", "names a package"),
        ("alice/lib", "does not name a repository"),
        ("x" * 301, "too long"),
    ],
)
def test_a_host_that_nobody_listed_gets_none(typed: str, word: str) -> None:
    with pytest.raises(RejectRecord) as refused:
        named_repository(typed, WebSettings(extra_hosts=("forge.example.org",)))
    assert word in refused.value.hint
    assert ("github.com" in refused.value.hint and "forge.example.org" in refused.value.hint) == ("hosts" in word)


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ("repo", "https://gitlab.com/group/lib/issues"),
        ("repo", "https://gitlab.com/group/lib/merge_requests/3"),
        ("repo", "https://gitlab.com/group/lib/blob/master/a.py"),
        ("repo", "https://gitlab.com/group"),
        ("repo", "https://www.npmjs.com/lib"),
        ("repo", "https://cdn.jsdelivr.net/combine/npm/a,npm/b"),
        ("repo", "https://crates.io/crates/lib"),
        ("repo", "https://sr.ht/~alice/lib"),
        ("repo", "https://alice.github.io/lib/"),
        ("repo", "https://bitbucket.org/alice/workspace/projects/X"),
        ("owner", "https://gitlab.com/group/lib"),
        ("owner", "npm/@acme/lib"),
        ("owner", "npm/@"),
        ("owner", "npm/@@acme"),
        ("owner", "https://www.npmjs.com/org"),
        ("owner", "https://www.npmjs.com/package/acme"),
    ],
)
def test_an_address_of_which_no_rule_would_block_anything_is_refused(scope: str, text: str) -> None:
    with pytest.raises(RejectRecord) as refused:
        rule_value(scope, text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("scope", "text", "value"),
    [
        ("repo", "https://gitlab.com/group/lib/-/issues", "gitlab.com/group/lib"),
        ("repo", "https://gitlab.com/group/sub/issues.git", "gitlab.com/group/sub/issues"),
        ("owner", "https://gitlab.com/groups/group/sub", "gitlab.com/group/sub"),
        ("owner", "https://gitlab.com/group", "gitlab.com/group"),
        ("owner", "npm/@Acme", "npm/@acme"),
        ("owner", "https://www.npmjs.com/org/Acme", "npm/@acme"),
        ("repo", "https://bitbucket.org/alice/lib", "bitbucket.org/alice/lib"),
        ("repo", "https://git.example.org/group/lib/issues", "git.example.org/group/lib/issues"),
    ],
)
def test_an_address_that_names_something_is_taken(scope: str, text: str, value: str) -> None:
    assert rule_value(scope, text) == value

"""Typed: what a person writes who wants something blocked, and whether a rule about it would act.

In: a scope and a text. Out: the canonical value of a rule, or RejectRecord with a way out: a rule that blocks nothing
would pass for an objection. No network and no file is touched.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import OTHER_SPELLINGS
from gleanery.records.names import canonical_blob, canonical_owner, canonical_repository

# Pages of the forges themselves; no account has such a name.
_PAGES = {
    "github.com": """
        about account apps codespaces collections contact customer-stories dashboard enterprise explore features issues
        join login logout marketplace new notifications orgs organizations pricing pulls readme search security sessions
        settings signup site sponsors stars team topics trending users""",
    "gitlab.com": """
        - admin api dashboard explore groups help import invites jwt oauth profile projects public search snippets
        uploads users v2""",
    "codeberg.org": """
        - admin api assets attachments avatars explore issues login milestones notifications org pulls repo user""",
    "bitbucket.org": "account dashboard gateway product repo snippets support workspaces",
}
# On GitLab a page of a repository looks like a repository of a group.
_PAGES_INSIDE = """
    activity badges blame blob boards branches builds commit commits compare create create_dir edit environments files
    find_file forks graphs issues jobs labels merge_requests milestones network new pipelines preview project_members
    raw refs releases snippets starrers tags tree update wikis"""
# Nothing is ever fetched from these, so a rule about one of their pages would block nothing.
_NO_SOURCES = """
    crates.io docs.rs hg.sr.ht jsr.io lib.rs libraries.io lists.sr.ht npm.im packagist.org rubygems.org sr.ht
    todo.sr.ht"""
_SITES = (".github.io", ".gitlab.io")
_AROUND = (("<", ">"), ("(", ")"), ('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u00ab", "\u00bb"))


def as_seen(text: str) -> str:
    """What a person sees of what was typed or pasted.

    Mail programs put signs around an address, and telephones invisible ones into it, above all beside a writing that
    runs from right to left.

    >>> as_seen("\u2068<https://github.com/alice/lib>\u200f")
    'https://github.com/alice/lib'
    """
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()
    for before, behind in _AROUND:
        if len(text) > 2 and text.startswith(before) and text.endswith(behind):
            text = text[1:-1].strip()
    return text


def rule_value(scope: str, text: str) -> str:
    """The canonical value of a rule of this scope; RejectRecord if none can be made of the text, or none that acts.

    >>> rule_value("repo", "https://www.npmjs.com/package/lodash")
    'npm/lodash'
    >>> rule_value("owner", "https://github.com/orgs/Acme")
    'github.com/acme'
    """
    if scope not in _CANONICAL:
        raise RejectRecord("a rule has a scope: repo, owner or blob", "give one of these", "bad_rule")
    return _CANONICAL[scope](as_seen(text))


def typed_repository(text: str) -> str:
    """The canonical name of a repository; RejectRecord too for a page of a forge or of a registry of packages."""
    hint = "give the address of the repository or pypi/NAME or npm/NAME; for an account, its scope is owner"
    name = _no_page(canonical_repository(text), "a repository", hint)
    if re.fullmatch(r"gitlab\.com/[^/]+", name):
        raise RejectRecord("this is an account or a group, and not a repository", hint, "name_not_clear")
    return _no_page_inside(name, text)


def _typed_owner(text: str) -> str:
    hint = "write it as HOST/OWNER, as in https://github.com/alice"
    name = _no_page(canonical_owner(text), "an account", hint)
    # A rule about a group covers what is in it, and would not cover a repository of the same name.
    if re.fullmatch(r"gitlab\.com/[^/]+/.+", name) and "/groups/" not in text.lower():
        hint = "for a group in a group write https://gitlab.com/groups/GROUP/SUBGROUP; a repository has the scope repo"
        raise RejectRecord("this may be a repository or a group", hint, "name_not_clear")
    return name


def _no_page(name: str, meant: str, hint: str) -> str:
    host, _, path = name.partition("/")
    first, _, rest = path.partition("/")
    page = host in OTHER_SPELLINGS or host in _NO_SOURCES.split() or host.endswith(_SITES)
    page = page or first in _PAGES.get(host, "").split() or (host == "bitbucket.org" and rest == "workspace")
    if page:
        raise RejectRecord(f"this is a page of the host, and not {meant}", hint, "name_not_clear")
    return name


def _no_page_inside(name: str, text: str) -> str:
    host, *path = name.split("/")
    if (
        host == "gitlab.com"
        and not set(path[2:]).isdisjoint(_PAGES_INSIDE.split())
        and not text.strip().lower().endswith(".git")
    ):
        hint = "give the address of the repository itself; if this is one, write .git behind it"
        raise RejectRecord("this looks like a page of a repository", hint, "name_not_clear")
    return name


_CANONICAL: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"repo": typed_repository, "owner": _typed_owner, "blob": canonical_blob}
)

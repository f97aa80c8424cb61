"""Typed: what a person writes who wants something blocked, and whether a rule about it would act.

In: a scope and a text. Out: the canonical value of a rule, or RejectRecord with a way out: a rule that blocks nothing
would pass for an objection. No network and no file is touched.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import PACKAGE_HOSTS
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


def rule_value(scope: str, text: str) -> str:
    """The canonical value of a rule of this scope; RejectRecord if none can be made of the text, or none that acts.

    >>> rule_value("repo", "https://www.npmjs.com/package/lodash")
    'npm/lodash'
    >>> rule_value("owner", "https://github.com/orgs/Acme")
    'github.com/acme'
    """
    if scope not in _CANONICAL:
        raise RejectRecord("a rule has a scope: repo, owner or blob", "give one of these", "bad_rule")
    return _CANONICAL[scope](text)


def typed_repository(text: str) -> str:
    """The canonical name of a repository; RejectRecord too for a page of a forge or of a registry of packages."""
    hint = "give the address of the repository or pypi/NAME or npm/NAME; for an account, its scope is owner"
    return _no_page(canonical_repository(text), "a repository", hint)


def _typed_owner(text: str) -> str:
    return _no_page(canonical_owner(text), "an account", "write it as HOST/OWNER, as in https://github.com/alice")


def _no_page(name: str, meant: str, hint: str) -> str:
    host, _, path = name.partition("/")
    if host in PACKAGE_HOSTS or path.partition("/")[0] in _PAGES.get(host, "").split():
        raise RejectRecord(f"this is a page of the host, and not {meant}", hint, "name_not_clear")
    return name


_CANONICAL: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"repo": typed_repository, "owner": _typed_owner, "blob": canonical_blob}
)

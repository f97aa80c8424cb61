"""Forges: from what an owner typed to the repository that is meant and the address its proof is looked for at.

In: text from the form, and the settings. Out: canonical name and clone URL. No network. The address is put together
from a host of the settings and a checked path; a host that nobody listed is never contacted.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gleanery.optout.address import check_form
from gleanery.optout.settings import KNOWN_FORGES, WebSettings
from gleanery.optout.typed import rule_value, typed_repository
from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import ACCOUNTS_OF
from gleanery.records.names import REGISTRIES, Location, repository_location

LONGEST_INPUT = 300  # characters of a repository's name in the form
_GIST = re.compile(r"[^/]+/(?:[0-9a-f]{20}|[0-9a-f]{32})", re.IGNORECASE)
# These answer with a redirect, which a check does not follow, unless the path ends like this.
_ENDING = {"git.sr.ht": ""}


@dataclass(frozen=True)
class Named:
    """A repository that an owner named: its canonical name, its host, and where it can be cloned from."""

    repository: str
    host: str
    clone_url: str

    @property
    def by_account(self) -> bool:
        """Whether the address of the proof names the account, too. A gist is found by its id alone."""
        return proves_account(self.clone_url)


def named_repository(text: str, settings: WebSettings) -> Named:
    """What the text names. RejectRecord, with a sentence for the owner as its hint, if a proof cannot be made there."""
    if len(text) > LONGEST_INPUT:
        raise RejectRecord(
            "the name is too long", "That is too long for the address of a repository.", "name_not_clear"
        )
    try:
        canonical = typed_repository(text)
        if canonical.partition("/")[0] in REGISTRIES:
            hint = "This names a package. Give the address of the repository that the package is made from."
            raise RejectRecord("a package has no default branch", hint, "package")
        location = repository_location(text)
    except RejectRecord as problem:
        raise problem if problem.code == "package" else _not_clear(_account_hint(text)) from None
    if location.host in ACCOUNTS_OF and not _GIST.fullmatch(location.bare_path):
        # A gist bears the account's name as a repository does. Early ones have short numbers for their ids, by which
        # somebody's gist 2048 would prove that another one's repository 2048 is theirs.
        hint = "The ID of a gist has 20 or 32 letters and digits. For an older one write to the operator."
        raise RejectRecord("this id may be a repository's name", hint, "name_not_clear")
    if location.host in settings.forges:
        return _checkable(Named(canonical, location.host, _on_forge(location)), settings)
    if location.host in settings.extra_hosts:
        return _checkable(Named(canonical, location.host, _on_extra_host(location, settings)), settings)
    hosts = ", ".join((*settings.forges, *settings.extra_hosts))
    raise RejectRecord("the host is not listed", f"Only repositories on these hosts can be checked: {hosts}.", "host")


def searched_repository(text: str) -> str:
    """The canonical name for a search: any host and any package will do."""
    try:
        if len(text) <= LONGEST_INPUT:
            return typed_repository(text)
    except RejectRecord:
        pass
    raise _not_clear()


def _checkable(named: Named, settings: WebSettings) -> Named:
    """What is named, unless a check would refuse its address: the owner learns that before they commit a file."""
    try:
        check_form(named.clone_url, allow_local=settings.allow_local)
    except RejectRecord as problem:
        hint = "A check cannot look for a file at this address. Write to the operator of this page."
        raise RejectRecord("checks refuse this address", hint, problem.code) from None
    return named


def _on_forge(location: Location) -> str:
    path = location.bare_path
    if location.host in ACCOUNTS_OF:  # a gist is cloned by its id alone
        path = path.rpartition("/")[2]
    return f"https://{location.host}/{path}{_ENDING.get(location.host, '.git')}"


def _on_extra_host(location: Location, settings: WebSettings) -> str:
    scheme = "http" if location.scheme == "http" and settings.allow_local else "https"
    ending = ".git" if location.path.lower().endswith(".git") else ""
    return f"{scheme}://{location.host}/{location.bare_path}{ending}"


def proves_account(clone_url: str) -> bool:
    """Whether a proof at this address shows that its account is the owner's, too. A gist is found by its id alone."""
    return urlsplit(clone_url).hostname not in ACCOUNTS_OF


def _account_hint(text: str) -> str:
    """What to do where an account is named and no repository of it; empty for anything else."""
    try:
        host, _ = rule_value("owner", text).split("/", 1)
    except RejectRecord:
        return ""
    if any(gists in text.lower() for gists in ACCOUNTS_OF):
        return "This gist lacks its account. Write its address as https://gist.github.com/owner/ID."
    host = KNOWN_FORGES[0] if host in REGISTRIES else host
    return (
        f"This names an account, and no repository of it. Write one repository, as in https://{host}/owner/name. "
        "To have a whole account left out, write to the operator of this page."
    )


def _not_clear(hint: str = "") -> RejectRecord:
    hint = hint or "This does not name a repository. Write its address, as in https://github.com/owner/name."
    return RejectRecord("the name is not clear", hint, "name_not_clear")

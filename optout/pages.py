"""Pages: the templates of the opt-out page, and what it says about each state and each result.

In: a template's name and plain values. Out: HTML. Everything that is put into a page is escaped, and a name that a
template asks for and does not get is an error.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from types import MappingProxyType

from jinja2 import Environment, FunctionLoader, StrictUndefined

from gleanery.optout.proof import RESULTS

# What the owner can do about a check that did not pass.
WAYS_OUT: Mapping[str, str] = MappingProxyType(
    {
        "file_missing": "Commit the file to the default branch (not to another branch or a pull request) and push it. "
        "Its name has to be .well-known/dataset-optout.json, or .dataset-optout.json (with the dot) in no folder.",
        "file_differs": "Copy the whole content from this page again, and save it as plain text in UTF-8. "
        "The file belongs to this request only.",
        "not_public": "Check the address, and that the repository is public while we check. "
        "If the address is wrong, withdraw this request and name the right one.",
        "empty": "Push a first commit with the file to the default branch.",
        "moved": "Withdraw this request and make one with the address the repository has now.",
        "not_reachable": "Nothing is wrong with your file as far as we can see. Try again later.",
        "timed_out": "Nothing is wrong with your file as far as we can see. Try again later.",
        "host_not_found": "Check the address. If it is right, write to the operator of this page.",
        "address_refused": "Write to the operator of this page.",
        "too_large": "Make sure the file is the one from this page. If it is, write to the operator of this page.",
    }
)
STATES: Mapping[str, str] = MappingProxyType(
    {
        "received": "Received",
        "challenged": "Waiting for the file",
        "verified": "Verified: your repository is blocked",
        "applied": "Applied: your repository is blocked",
        "rejected": "Closed without effect",
        "withdrawn": "Withdrawn",
        "taken_back": "Ended: the operator took the block back",
    }
)
_MAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PAGE = re.compile(r"https?://[^\s<>\"']{1,1000}")


def day(at: int) -> str:
    """A day in UTC, as in 2026-01-31.

    >>> day(0)
    '1970-01-01'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def minute(at: int) -> str:
    """A minute in UTC, as in 2026-01-31 17:05 UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def link_to(contact: str) -> str:
    """Where a link to the contact leads, if that is one address of mail or of a page; empty otherwise.

    >>> link_to("optout@example.org"), link_to("https://example.org/contact"), link_to("javascript:alert(1)")
    ('mailto:optout@example.org', 'https://example.org/contact', '')
    """
    return f"mailto:{contact}" if _MAIL.fullmatch(contact) else contact if _PAGE.fullmatch(contact) else ""


def environment(**shared: object) -> Environment:
    """The templates of this room, with values that every page may use."""
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(day=day, minute=minute, link_to=link_to)
    made.globals.update(shared, RESULTS=RESULTS, WAYS_OUT=WAYS_OUT, STATES=STATES)
    return made


def stylesheet() -> str:
    """The one style sheet."""
    return _read("style.css")


def _source(name: str) -> str | None:
    return _read(name) if name.endswith(".html") and "/" not in name else None


def _read(name: str) -> str:
    return resources.files("gleanery.optout").joinpath(name).read_text("utf-8")

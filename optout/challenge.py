"""The challenge file: what an owner commits to show that the repository is theirs, in words they can agree to.

In: a request, its challenge and the receipt that only the owner holds. Out: the text of a small JSON file. The file
is public once it is committed; it holds a token and a hash over the receipt, so whoever reads it can neither open
the request nor use the file for another one (the key authorisation of RFC 8555, section 8.1).
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field

FILENAMES = (".well-known/dataset-optout.json", ".dataset-optout.json")
LIFETIME = 7 * 86_400  # seconds
_HIDDEN = re.compile(r"\\u00[0-7]", re.ASCII)  # a letter of ASCII, escaped
_ROOM = 1024  # bytes more than were handed out, for another layout and escapes
# 256 bits; RFC 8555 asks for at least 128.
TOKEN_BYTES = 32

_STATEMENT = {
    "block": (
        "Whoever committed this file asks that {repository} is left out of {dataset}. "
        "Nothing of this repository will be used in versions that are built after the file was checked. "
        "If you did not mean that, do not merge this file."
    ),
    "unblock": (
        "Whoever committed this file takes back an earlier objection. "
        "{repository} may be used in {dataset} again, in versions that are built after the file was checked. "
        "If you did not mean that, do not merge this file."
    ),
}


@dataclass(frozen=True)
class Challenge:
    """One question to the owner: may this action be done? It can be answered once, until `expires_at`."""

    number: int  # 1 for the first challenge of a request
    action: str  # block | unblock
    token: str
    dataset: str
    state: str  # pending | passed | void
    created_at: int
    expires_at: int


@dataclass(frozen=True)
class Request:
    """One request by an owner, with its current challenge. `receipt` is known only right after creation.

    `stands` says whether its block is in force: it was proven, and nobody, the operator neither, took it back since.
    """

    id: str
    repository: str
    clone_url: str
    state: str  # received | challenged | verified | applied | rejected | withdrawn
    rule_seq: int | None
    last_result: str | None
    last_checked_at: int | None
    created_at: int
    updated_at: int
    challenge: Challenge
    stands: bool = False
    blocked_at: int | None = None  # when the rule was written
    receipt: str | None = field(default=None, repr=False)


def new_token() -> str:
    """A fresh random token of 43 characters that are safe in URLs."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def receipt_digest(receipt: str) -> str:
    """What the registry keeps of a receipt: SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(b"gleanery receipt\x00" + receipt.encode("utf-8", "replace")).hexdigest()


def answer(request: Request, receipt: str) -> str:
    """The token, a dot, and the hash that binds it to this request, this action and the receipt."""
    digest = hashlib.sha256(b"gleanery answer")
    for part in (request.id, str(request.challenge.number), request.challenge.action, request.repository, receipt):
        raw = part.encode()
        digest.update(b"%d:" % len(raw) + raw)
    return f"{request.challenge.token}.{base64.urlsafe_b64encode(digest.digest()).decode().rstrip('=')}"


def file_text(request: Request, receipt: str) -> str:
    """The whole challenge file. It is JSON, so that programs can read it as a standing declaration too."""
    action, dataset = request.challenge.action, request.challenge.dataset
    content = {
        "dataset-optout": 1,
        "statement": _STATEMENT[action].format(repository=request.repository, dataset=dataset),
        "repository": request.repository,
        "action": action,
        "challenge": answer(request, receipt),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def expected_digest(request: Request, receipt: str) -> str:
    """SHA-256 of the challenge file, by which a proof is tied to the request it was made for."""
    return content_digest(file_text(request, receipt))


def content_digest(text: str) -> str:
    """SHA-256 of a text as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def says_the_same(content: bytes, expected: str) -> bool:
    """Whether a file says what was handed out, but for what editors change, and in words that a maintainer can read.

    Editors change the byte order mark, line ends, outer white space, the layout of JSON, and letters beyond ASCII.
    Plain letters that are escaped, a name that is said twice, or room for many blanks would hide what is said.
    """
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip()
    if len(text) > len(expected) + _ROOM or len(_HIDDEN.findall(text)) > len(_HIDDEN.findall(expected)):
        return False
    return hmac.compare_digest(_meaning(text), _meaning(expected.strip()))


def _meaning(text: str) -> bytes:
    try:
        return json.dumps(json.loads(text, object_pairs_hook=_named_once), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return text.encode("utf-8", "replace")


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is said twice")
    return dict(pairs)

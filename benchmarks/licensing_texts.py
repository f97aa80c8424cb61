"""Licence texts as others published them: SPDX's list, also filled in and edited, and the fixtures of another detector.

In: the texts of a published npm package, and of a Go module where the Go tools are installed. Out: one archive in which
each text is the licence file of a folder with one line of code, so that the product concludes what that line is under;
and for each folder the ids that are right. Several ids may be: GPL-2.0-only and GPL-2.0-or-later have one text.
"""

import hashlib
import json
import random
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from license_expression import get_spdx_licensing

from gleanery.sources.reading import open_source
from gleanery.sources.source import Limits, Source

SPDX_TEXTS = Source("npm", "spdx-license-list", version="6.12.0")
# Google's classifier. Its folder `scenarios` has texts of real projects with what has to be found in each.
FIXTURES = ("github.com/google/licenseclassifier/v2", "v2.0.0")
_PLACEHOLDERS = re.compile(
    r"<[a-z][^<>\n]{2,60}>|\[(?:yyyy|name of [a-z ]+|fullname|year)\]|\{\{?[a-z ]{3,40}\}?\}", re.I
)
# Ids that SPDX has deprecated in favour of others. No tool should name them any more.
_DEPRECATED = {
    "BSD-2-Clause-FreeBSD": "BSD-2-Clause-Views",
    "BSD-2-Clause-NetBSD": "BSD-2-Clause",
    "GPL-2.0-with-GCC-exception": "GPL-2.0-only WITH GCC-exception-2.0",
    "GPL-2.0-with-autoconf-exception": "GPL-2.0-only WITH Autoconf-exception-2.0",
    "GPL-2.0-with-bison-exception": "GPL-2.0-only WITH Bison-exception-2.2",
    "GPL-2.0-with-classpath-exception": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-2.0-with-font-exception": "GPL-2.0-only WITH Font-exception-2.0",
    "GPL-3.0-with-GCC-exception": "GPL-3.0-only WITH GCC-exception-3.1",
    "GPL-3.0-with-autoconf-exception": "GPL-3.0-only WITH Autoconf-exception-3.0",
    "Nunit": "zlib-acknowledgement",
    "StandardML-NJ": "SMLNJ",
    "bzip2-1.0.5": "bzip2-1.0.6",
    "eCos-2.0": "GPL-2.0-or-later WITH eCos-exception-2.0",
    "wxWindows": "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
}
_YEARS = re.compile(r"year|yyyy|date", re.I)


@dataclass(frozen=True)
class Text:
    """One text; `right` holds the SPDX ids of which one must be named, `how` is plain, filled, edited or fixture."""

    folder: str
    how: str
    right: frozenset[str]
    content: bytes


def spdx_texts(cache: Path, share: int, part: int) -> Iterator[Text]:
    """One of `share` parts of SPDX's list, each text three times: as it is, filled in, and edited (by 1 to 5 %)."""
    texts = listed_texts(cache)
    same = ids_by_text(texts)
    vocabulary = sorted({word for text in texts.values() for word in text.split() if word.isalpha()})
    for spdx, text in sorted(texts.items()):
        if _seed(spdx, "part") % share != part:
            continue
        right = same[spdx]
        filled = _filled(text, random.Random(_seed(spdx, "names")))
        edited = _edited(filled, vocabulary, random.Random(_seed(spdx, "words")), 1 + _seed(spdx) % 5)
        for how, content in (("plain", text), ("filled", filled), ("edited", edited)):
            yield Text(f"{how}/{spdx}", how, right, content.encode())


def fixtures() -> Iterator[Text]:
    """The other detector's scenarios that name exactly one licence; none where the Go tools are not installed.

    It writes GPL-2.0 for a text that says "version 2" as well as for one that adds "or any later version".
    """
    folder = go_module(*FIXTURES, "Dir")
    for path in sorted((folder / "scenarios").iterdir()) if folder else ():
        content = path.read_bytes()
        said = re.search(rb"^EXPECTED:(.*)$", content, re.MULTILINE)
        names = {n for n in said[1].decode().split(",") if n not in ("", "Copyright")} if said else set()
        right = {current(n) for n in names if _is_known(n)}
        right |= {spdx.replace("-only", "-or-later") for spdx in right}
        if said and len(names) == 1 and right and path.suffix != ".md":
            yield Text(f"fixture/{path.name}", "fixture", frozenset(right), content[said.end() :])


def archive_of(texts: list[Text], path: Path) -> None:
    """One tar file: each text as the file LICENSE of its folder, beside a line of code."""
    with tarfile.open(path, "w") as tar:
        for text in texts:
            for name, content in (("LICENSE", text.content), ("main.py", b"print('hello')\n")):
                member = tarfile.TarInfo(f"{text.folder}/{name}")
                member.size = len(content)
                tar.addfile(member, BytesIO(content))


def named_ids(expression: str | None) -> frozenset[str]:
    """The licences that an expression names, in SPDX's current spelling; the licence alone before WITH, too.

    >>> sorted(named_ids("MIT AND (GPL-2.0-only WITH Classpath-exception-2.0 OR ISC)"))
    ['GPL-2.0-only', 'GPL-2.0-only WITH Classpath-exception-2.0', 'ISC', 'MIT']
    """
    if not expression:
        return frozenset()
    literals = {str(s) for s in get_spdx_licensing().parse(expression, validate=False).literals}
    return frozenset(literals | {name.partition(" WITH ")[0] for name in literals})


def ids_by_text(texts: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """For each id all current ids that have the same text, and those of the id that it was deprecated for."""
    groups: dict[str, set[str]] = {}
    for spdx, text in texts.items():
        groups.setdefault(_words(text), set()).add(current(spdx))
    same = {spdx: frozenset(groups[_words(text)]) for spdx, text in texts.items()}
    return {spdx: found | same.get(current(spdx), frozenset()) for spdx, found in same.items()}


def listed_texts(cache: Path) -> dict[str, str]:
    """SPDX's texts by id."""
    with open_source(SPDX_TEXTS, Limits(), cache / "sources") as reading:
        found: dict[str, str] = {}
        for entry in reading.entries():
            match = re.fullmatch(r"(?:package/)?licenses/(.+)\.json", entry.path)
            if match and entry.content is not None:
                found[match[1]] = json.loads(entry.content)["licenseText"]
        return found


def current(spdx: str) -> str:
    """What SPDX names instead of an id that it has deprecated, as GPL-2.0+ is GPL-2.0-or-later now."""
    if spdx in _DEPRECATED:
        return _DEPRECATED[spdx]
    match = re.fullmatch(r"((?:A|L)?GPL-\d\.\d|GFDL-\d\.\d)(\+?)", spdx)
    return f"{match[1]}-{'or-later' if match[2] else 'only'}" if match else spdx


def _is_known(name: str) -> bool:
    return current(name) in get_spdx_licensing().known_symbols


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _seed(*words: str) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(words).encode(), digest_size=6).digest(), "big")


def _filled(text: str, chance: random.Random) -> str:
    """The placeholders of a text replaced by a year or an invented name."""
    owner = " ".join(chance.choice(("Ada", "Brunnen", "Corvo", "Dahlia", "Ember", "Fjord")) for _ in range(2)) + " Ltd"

    def one(match: re.Match[str]) -> str:
        return str(chance.randrange(1995, 2026)) if _YEARS.search(match[0]) else owner

    return f"Copyright (c) {chance.randrange(1995, 2026)} {owner}\n\n{_PLACEHOLDERS.sub(one, text)}"


def _edited(text: str, vocabulary: list[str], chance: random.Random, percent: int) -> str:
    """So many per cent of the words replaced by words of other licences; at least one."""
    pieces = re.split(r"(\s+)", text)
    words = [i for i, piece in enumerate(pieces) if piece and not piece.isspace()]
    for index in chance.sample(words, max(1, len(words) * percent // 100)):
        pieces[index] = chance.choice(vocabulary)
    return "".join(pieces)


def go_module(name: str, version: str, what: str) -> Path | None:
    """`Dir` or `Zip` of a Go module, downloaded by the Go tools; None without them."""
    go = shutil.which("go")
    command = [go or "go", "mod", "download", "-json", f"{name}@{version}"]
    done = subprocess.run(command, capture_output=True, text=True) if go else None
    if done is None or done.returncode:
        print(f"left out: the Go module {name}, since the Go tools are not installed or cannot download it")
        return None
    return Path(json.loads(done.stdout)[what])


def as_expected(texts: list[Text], said: Mapping[str, str | None]) -> dict[str, bool]:
    """For each folder whether the expression concluded there names one of the right ids."""
    right = {t.folder: t.right.union(*map(named_ids, t.right)) for t in texts}
    return {t.folder: bool(named_ids(said.get(t.folder)) & right[t.folder]) for t in texts}

"""Texts of licences by name, for notices of files whose repository names a licence and does not carry its text.

In: an SPDX id, an id of an exception, or LicenseRef-scancode-KEY. Out: the text as the licence list that comes with the
detector has it, or None. Only the data files of that list are read; the detector and its index are not loaded. The
first call reads the heads of 2,600 small files, 0.3 s; a text costs one small file.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from gleanery.licensing import spdx_texts
from gleanery.records.errors import StopRun

_HEAD_BYTES = 16_384
_NAME = re.compile(r"(?m)^spdx_license_key: *(\S+) *$")
_OTHER_NAMES = re.compile(r"(?m)^other_spdx_license_keys:\n((?: +- .*\n)+)")


def license_text(name: str) -> str | None:
    """The text of a licence or an exception; None where the list has none. "Or later" has the text of its licence.

    >>> license_text("mit").splitlines()[0]
    'Permission is hereby granted, free of charge, to any person obtaining'
    >>> license_text("No-Such-License") is None
    True
    """
    files, plain = _files(), name.lower()
    base = plain.removesuffix("+").removesuffix("-or-later")
    for spelled in (plain,) if base == plain else (f"{base}-only", base, plain):
        if spelled in files:
            return _body(files[spelled])
    return _newer().get(plain)


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """The file of each licence, by its SPDX names in small letters; a first name comes before a second one."""
    first: dict[str, Path] = {}
    second: dict[str, Path] = {}
    for path, head in listed():
        name, others = _NAME.search(head), _OTHER_NAMES.search(head)
        if name:
            first.setdefault(name[1].lower(), path)
        for line in others[1].splitlines() if others else ():
            second.setdefault(line.strip(" -").lower(), path)
        second.setdefault(f"licenseref-scancode-{path.stem.lower()}", path)
    return second | first


@lru_cache(maxsize=1)
def _newer() -> dict[str, str]:
    """The texts of ids that the detector's list does not have, by these in small letters."""
    files = _files()
    texts = {spdx.lower(): f"{text.strip()}\n" for spdx, (_, text) in spdx_texts.texts().items()}
    named = {spdx.lower(): _body(files[name.lower()]) or "" for name, spdx in spdx_texts.names().items()}
    return named | texts


def listed() -> Iterator[tuple[Path, str]]:
    """The files of the licence list of the detector, which is found without importing it, each with its head."""
    found = find_spec("licensedcode")
    if found is None or found.origin is None:
        raise StopRun("The licence list of scancode-toolkit is missing.", "Install scancode-toolkit again.")
    for path in sorted((Path(found.origin).parent / "data" / "licenses").glob("*.LICENSE")):
        with open(path, "rb") as file:
            yield path, file.read(_HEAD_BYTES).decode("utf-8", "replace").partition("\n---\n")[0] + "\n"


@lru_cache(maxsize=1024)
def _body(path: Path) -> str | None:
    """What stands below the head of a file of the list."""
    _, _, rest = path.read_text("utf-8").partition("---\n")
    text = rest.partition("\n---\n")[2].strip()
    return f"{text}\n" if text else None

"""Files that are whole or absent, whenever a process or the machine ends; and notes, which are small files of JSON.

In: a path and bytes, or a file that stands already. Out: a file under that name, written to a temporary one beside it
and renamed. Costs one rename, and the wait for the disk.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gleanery.records.absent import present


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(present(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class atomic_file:
    """A file that appears under its name only when the block ends well.

    `lasting`: it is on the disk by then, so that even a power failure leaves it whole. Without it, a power failure may
    leave a shorter file: for what can be made again and is looked at for its size, and costs less.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "x"
    >>> with atomic_file(target) as out:
    ...     _ = out.write(b"whole")
    >>> target.read_bytes()
    b'whole'
    """

    def __init__(self, path: Path, lasting: bool = True) -> None:
        self.path, self.lasting = path, lasting
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")

    def __enter__(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.temporary, "wb")
        return self.file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.file.flush()
            if self.lasting:
                os.fsync(self.file.fileno())
        self.file.close()
        if kind is None:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a small file so that it is whole or absent."""
    with atomic_file(path) as out:
        out.write(content)


def write_json(path: Path, plain: Mapping[str, Any]) -> None:
    """Write a note, the same bytes for the same values."""
    write_bytes(path, (json.dumps(plain, sort_keys=True, indent=1) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """A note, or None if it is not there or is none: then what it was about is done again.

    A note is never half written, since files are renamed into place; but a person or a disk may have changed it.
    """
    try:
        plain = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def link_file(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` at once, or a copy of it where links are not to be had."""
    if target.exists() and target.samefile(source):
        return  # renaming one name of a file to another of its names does nothing, and would leave the first
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)

"""A bucket: a store of objects that all machines of a run reach, where they share no disk.

In: its address. Out: objects by name, each whole or absent. What is fetched is compared with the digest that it was
stored under. Costs what the store takes for a request, some 10 ms. This is the only file that speaks to such a store;
pyarrow does it, with the credentials that the environment of each machine has.
"""

import hashlib
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType

from gleanery.records.errors import StopRun, WrongArguments
from gleanery.records.files import atomic_file

SCHEMES = ("s3", "gs", "abfs", "abfss", "hdfs", "file")
_ADDRESS = re.compile(r"([a-z][a-z0-9]*)://([^/?]*)(/[^?]*)?(\?.*)?")
_SECRET = re.compile(r"[?&][^=&]*(?:secret|password|token|key|signature)[^=&]*=", re.IGNORECASE)
_CHUNK = 4 << 20
_EMPTY_IT = "somebody, or a rule of the store, changed it: empty the bucket, and run the same command again"


def refuse_address(address: str) -> None:
    """Raises WrongArguments for what is no address of a bucket, or one that holds a password."""
    found = _ADDRESS.fullmatch(address)
    if not found or found[1] not in SCHEMES or not (found[2] or found[1] == "file"):
        kinds = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise WrongArguments("that is no address of a bucket", f"it begins with one of {kinds}")
    account = found[2].rpartition("@")[0]  # of Azure's it is the container, and of Google's nobody in particular
    before = (found[2] + (found[3] or "")).rpartition("@")[0]  # a key of Azure's may have a slash in it
    nobody = found[1].startswith("abfs") or (found[1], account) == ("gs", "anonymous")
    if (account and not nobody) or ":" in before or _SECRET.search(found[4] or ""):
        hint = "leave it out: each machine takes its credentials from its own environment"
        raise WrongArguments("the address of a bucket holds an account or a password", hint)


class Bucket:
    """The objects below one address. Any number of threads may use it."""

    def __init__(self, address: str) -> None:
        refuse_address(address)
        self.address = address
        self._stopped = threading.Event()
        self.name = address.split("?")[0]  # an endpoint is nobody's business in a message
        with self._told("opened"):
            self._files, base = FileSystem.from_uri(address)
            self._base = base.rstrip("/")

    def inside(self, name: str) -> str:
        """The address of a part of this bucket."""
        place, mark, query = self.address.partition("?")
        return f"{place.rstrip('/')}/{name}{mark}{query}"

    def stop(self) -> None:
        """Break off the files that are on their way, as where somebody stops the run. No other comes through then."""
        self._stopped.set()

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise StopRun("the run was stopped", "the same command resumes")

    def put(self, name: str, content: bytes) -> None:
        """Store a small object."""
        with self._told("written to"), self._writing(name) as out:
            out.write(content)

    def put_file(self, name: str, path: Path, sha256: str) -> None:
        """Store a file. Raises StopRun if it is not what it was when its digest was taken."""
        digest = hashlib.sha256()
        with open(path, "rb") as file, self._told("written to"), self._writing(name) as out:
            while chunk := file.read(_CHUNK):
                self._go_on()
                digest.update(chunk)
                out.write(chunk)
            if digest.hexdigest() != sha256:
                hint = "a disk, or somebody, did that: remove the file, and run the same command again"
                raise StopRun(f"{path} changed after a step wrote it", hint)

    def get(self, name: str) -> bytes | None:
        """A small object, or None if it is not there."""
        with self._told("read"):
            try:
                with self._files.open_input_stream(self._place(name)) as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                return None

    def get_file(self, name: str, path: Path, sha256: str) -> None:
        """Fetch an object into a file, whole or not at all. Raises StopRun if it is another than was stored."""
        digest = hashlib.sha256()
        with atomic_file(path, lasting=False) as out:
            for chunk in self._chunks(name):
                self._go_on()
                digest.update(chunk)
                out.write(chunk)
            if digest.hexdigest() != sha256:
                raise StopRun(f"the object {name} in {self.name} is not what was stored there", _EMPTY_IT)

    def _chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of an object. What goes wrong where they are put is no fault of the bucket."""
        with self._told("read"), self._files.open_input_stream(self._place(name)) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    def has(self, *names: str) -> list[bool]:
        """Whether there are such objects."""
        with self._told("read"):
            return [one.type == FileType.File for one in self._files.get_file_info([self._place(n) for n in names])]

    def sizes(self, folder: str) -> dict[str, int]:
        """The names of all objects of a folder, without the folder's, and their sizes in bytes."""
        with self._told("read"):
            place = self._place(folder)
            found = self._files.get_file_info(FileSelector(place, allow_not_found=True, recursive=True))
        return {one.path[len(place) + 1 :]: one.size for one in found if one.type == FileType.File}

    def clear(self, folder: str = "") -> None:
        """Remove all objects, or those of a folder."""
        with self._told("written to"):
            self._files.delete_dir_contents(self._place(folder).rstrip("/"), missing_dir_ok=True)

    def _place(self, name: str) -> str:
        return f"{self._base}/{name}"

    @contextmanager
    def _writing(self, name: str) -> Iterator[Any]:
        """A stream that makes an object: whole, or none if the block does not end well."""
        place = target = self._place(name)
        if has_folders := self._files.type_name in ("local", "hdfs"):  # where a file is seen while it is written
            self._files.create_dir(target.rpartition("/")[0], recursive=True)
            place = f"{target.rpartition('/')[0]}/.{secrets.token_hex(8)}.tmp"
        try:
            with self._files.open_output_stream(place) as out:
                yield out
            if has_folders:
                self._move(place, target)
        except BaseException:  # a store of objects would keep what was written so far as if it were all
            with suppress(OSError):
                self._files.delete_file(place)
            raise

    def _move(self, place: str, target: str) -> None:
        """Give an object its name. HDFS refuses where there is one, which another machine stored: that stays."""
        try:
            self._files.move(place, target)
        except OSError:
            if self._files.get_file_info(target).type != FileType.File:
                raise
            self._files.delete_file(place)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            message = f"the bucket {self.name} cannot be {what}: it, or an object in it, does not exist"
            raise StopRun(message, f"make the bucket; if it is there, {_EMPTY_IT}") from None
        except (OSError, ValueError, NotImplementedError, ArrowException) as error:
            first = (str(error).splitlines() or [""])[0]
            way = "look at the address, and at the credentials of this machine"
            raise StopRun(f"the bucket {self.name} cannot be {what}: {first[:300]}", way) from None

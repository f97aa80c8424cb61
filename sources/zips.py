"""Zip archives: their central directory, entry by entry, and the contents of chosen members.

In: a seekable file that holds a zip. Out: items with raw paths, and contents; nothing is unpacked. The directory is
read here and not with the standard library, because there all of it is held in memory before it can be counted, names
are cut at a NUL, and one name that is not UTF-8 makes the whole archive unreadable. Members may be stored or deflated;
of encrypted ones, and of other methods, the names are listed (unreadable). Lists 400,000 members a second.
"""

import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from gleanery.records.errors import RejectRecord
from gleanery.sources.deadline import Deadline
from gleanery.sources.listing import Contents, Item, Row
from gleanery.sources.packed import bomb, damaged, without_dot

_END, _END64, _LOCATOR64, _ENTRY, _LOCAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04"
_LARGEST_COMMENT = 65_535
_STORED, _DEFLATED, _ENCRYPTED, _UNIX = 0, 8, 0x1, 3
_IN_EXTRA, _ZIP64_EXTRA = 0xFFFFFFFF, 1


class _Directory(NamedTuple):
    start: int
    size: int


class ZipFiles:
    """One zip, open for reading; a `Container`."""

    def __init__(self, file: BinaryIO, size: int, allowed: int, deadline: Deadline) -> None:
        self.file, self.size, self.allowed, self.deadline = file, size, allowed, deadline
        self.directory = _find_directory(file, size)

    def items(self) -> Iterator[Item]:
        """Every member that is not a folder; raises RejectRecord if the directory is damaged."""
        left = self.allowed
        position, end = self.directory.start, self.directory.start + self.directory.size
        while position < end:
            self.deadline.left()  # folders yield no item
            self.file.seek(position)
            fixed = self.file.read(46)
            if len(fixed) != 46 or fixed[:4] != _ENTRY:
                raise damaged()
            names, extras, comments = struct.unpack_from("<HHH", fixed, 28)
            raw, extra = self.file.read(names), self.file.read(extras)
            if (item := _item(fixed, raw, extra)) is not None:
                left -= item.size
                if left < 0:
                    raise bomb()
                yield item
            position += 46 + names + extras + comments

    def contents(self, rows: Iterable[Row]) -> Contents:
        """The content of each row; None if it is not what the directory says."""
        for row in rows:
            start, packed, method, check = (int(value) for value in row.where)
            content = self._content(start, packed, method, row.size)
            right = content is not None and len(content) == row.size and zlib.crc32(content) == check
            yield content if right else None

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _content(self, start: int, packed: int, method: int, size: int) -> bytes | None:
        if start > self.size:
            return None
        self.file.seek(start)
        local = self.file.read(30)
        if len(local) != 30 or local[:4] != _LOCAL:
            return None
        self.file.seek(start + 30 + sum(struct.unpack_from("<HH", local, 26)))
        if method == _STORED:
            return self.file.read(size) if packed == size else None
        return _inflated(self.file, packed, size)


def _inflated(file: BinaryIO, packed: int, size: int) -> bytes | None:
    """`size` bytes out of at most `packed` ones; None if there are more, fewer, or they are damaged."""
    inflater, out = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    try:
        while packed > 0 and len(out) <= size and not inflater.eof:
            block = file.read(min(packed, 1 << 16))
            if not block:
                break
            packed -= len(block)
            out += inflater.decompress(block, size + 1 - len(out))
    except zlib.error:
        return None
    return bytes(out) if len(out) == size else None


def _with_slashes(raw: bytes) -> bytes:
    r"""The path as the standard has it. Some programs of Windows separate all of its parts by backslashes.

    >>> _with_slashes(b"widgets\\src\\a.py"), _with_slashes(b"widgets/odd\\name")
    (b'widgets/src/a.py', b'widgets/odd\\name')
    """
    return raw if b"/" in raw else raw.replace(b"\\", b"/")


def _item(fixed: bytes, raw: bytes, extra: bytes) -> Item | None:
    raw = _with_slashes(raw)
    if raw.endswith(b"/"):
        return None
    flags, method = struct.unpack_from("<HH", fixed, 8)
    check, packed, size = struct.unpack_from("<III", fixed, 16)
    attributes, start = struct.unpack_from("<II", fixed, 38)
    size, packed, start = _wide([size, packed, start], extra)
    mode = attributes >> 16 if fixed[5] == _UNIX else 0
    where, raw = (start, packed, method, check), without_dot(raw)
    if stat.S_ISLNK(mode):
        return Item(raw, "120000", size, where, "symlink")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Item(raw, f"{stat.S_IFMT(mode):06o}", size, where, "not_a_regular_file")
    readable = not flags & _ENCRYPTED and method in (_STORED, _DEFLATED)
    return Item(raw, "100755" if mode & 0o100 else "100644", size, where, None if readable else "unreadable")


def _wide(values: list[int], extra: bytes) -> list[int]:
    """The three numbers of an entry, with those that did not fit into 32 bits taken from its extra field."""
    if _IN_EXTRA not in values:
        return values
    place = 0
    while len(extra) - place >= 4:
        kind, length = struct.unpack_from("<HH", extra, place)
        place += 4
        if kind == _ZIP64_EXTRA:
            wide = iter(struct.iter_unpack("<Q", extra[place : place + length - length % 8]))
            return [next(wide, (value,))[0] if value == _IN_EXTRA else value for value in values]
        place += length
    return values


def _find_directory(file: BinaryIO, size: int) -> _Directory:
    """Where the central directory lies: directly before its end record, whatever stands before the archive."""
    tail_start = max(0, size - _LARGEST_COMMENT - 22)
    file.seek(tail_start)
    tail = file.read(_LARGEST_COMMENT + 22)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise damaged()
    length, offset = struct.unpack_from("<II", tail, at + 12)
    end = tail_start + at
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        (where,) = struct.unpack_from("<Q", tail, at - 12)
        file.seek(min(where, size))
        record = file.read(56)
        if len(record) == 56 and record[:4] == _END64:
            length, offset = struct.unpack_from("<QQ", record, 40)
            end = where
    if offset + length != end or end > size:
        raise RejectRecord("the zip does not begin at its first byte or is damaged", "get it again", "damaged")
    return _Directory(offset, length)

"""Tar archives: their headers, one after the other, and the contents of chosen members.

In: a seekable file that holds an uncompressed tar. Out: items with raw paths, and contents; nothing is unpacked. The
headers are read here and not with the standard library, because there a header may claim a record of any size, which
is then read into memory, and some supported Python versions parse such records in quadratic time (CVE-2024-6232).
Headers that yield no item cost time too: their bytes are bounded (a megabyte takes up to 0.2 s), and each looks at the
clock. The formats are ustar, GNU (long names, base-256 numbers) and POSIX pax. Lists 90,000 members a second.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gleanery.records.errors import RejectRecord
from gleanery.sources.deadline import Deadline
from gleanery.sources.listing import Contents, Item, Row
from gleanery.sources.packed import damaged, without_dot

BLOCK = 512
_LONGEST_NUMBER = 20  # digits
_LARGEST_RECORD = 1 << 20  # bytes of all pax and GNU headers before a member; a path is at most 4,096 bytes
# Bytes of all such headers of an archive. Attributes of 200,000 files, as some systems pack them, are below 100 MB.
_MOST_RECORDS = 128 << 20
_REGULAR, _HARD_LINK, _SYMLINK, _FOLDER, _SPARSE = (b"\x00", b"0", b"7"), b"1", b"2", b"5", b"S"
_SPECIAL_MODES = {b"3": "020000", b"4": "060000", b"6": "010000"}  # character device, block device, pipe
_WITHOUT_DATA = (_HARD_LINK, _SYMLINK, _FOLDER, *_SPECIAL_MODES)
_GNU_LONG_NAME, _PAX = b"L", b"x"
_ABOUT_THE_NEXT = (_GNU_LONG_NAME, b"K", _PAX, b"X", b"g")  # also: long link target, Solaris' pax, global values


class TarFiles:
    """One tar, open for reading; a `Container`."""

    def __init__(self, file: BinaryIO, size: int, deadline: Deadline) -> None:
        self.file, self.size, self.deadline = file, size, deadline

    def items(self) -> Iterator[Item]:
        """Every member that is not a folder; raises RejectRecord if the archive is cut off or damaged."""
        position, before_this, in_all = 0, 0, 0
        fields: dict[bytes, bytes] = {}
        while (header := self._header(position)) is not None:
            self.deadline.left()
            kind = header[156:157]
            start, size = self._data_start(position, header), _number(header[124:136])
            if kind in _ABOUT_THE_NEXT:
                before_this, in_all = before_this + size, in_all + size
                if before_this > _LARGEST_RECORD or in_all > _MOST_RECORDS:
                    raise damaged()
                fields |= _fields(kind, self._record(start, size))
            else:
                size = 0 if kind in _WITHOUT_DATA else int(fields.get(b"size", size))
                if (item := _item(header, kind, start, size, fields)) is not None:
                    yield item
                fields, before_this = {}, 0
            if start + size > self.size:
                raise damaged()
            position = start + -(-size // BLOCK) * BLOCK

    def contents(self, rows: Iterable[Row]) -> Contents:
        """The content of each row, by its place in the archive."""
        for row in rows:
            self.file.seek(int(row.where[0]))
            content = self.file.read(row.size)
            yield content if len(content) == row.size else None

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _header(self, position: int) -> bytes | None:
        """The next header; None at the end, which is a block of zeros or the end of the file."""
        self.file.seek(position)
        header = self.file.read(BLOCK)
        if not header.strip(b"\x00"):
            return None
        if not is_header(header):
            raise damaged()
        return header

    def _data_start(self, position: int, header: bytes) -> int:
        """Where the data begin: after the header, and after the maps of an old GNU sparse member."""
        position += BLOCK
        more = header[156:157] == _SPARSE and header[482]
        while more:
            self.deadline.left()
            self.file.seek(position)
            block = self.file.read(BLOCK)
            if len(block) != BLOCK:
                raise damaged()
            position, more = position + BLOCK, block[504]
        return position

    def _record(self, start: int, size: int) -> bytes:
        self.file.seek(start)
        return self.file.read(size)


def is_header(block: bytes) -> bool:
    """Whether 512 bytes are a tar header: its checksum is right."""
    if len(block) != BLOCK or not block.strip(b"\x00"):
        return False
    try:
        claimed = _number(block[148:156])
    except RejectRecord:
        return False
    unsigned = sum(block) - sum(block[148:156]) + 8 * 0x20
    if claimed == unsigned:
        return True
    high = sum(byte >> 7 for byte in block[:148] + block[156:])
    return claimed == unsigned - 256 * high  # some old programs summed signed bytes


def _item(header: bytes, kind: bytes, start: int, size: int, fields: dict[bytes, bytes]) -> Item | None:
    name = fields.get(b"GNU.sparse.name") or fields.get(b"path") or _name(header)
    raw = without_dot(name)
    if kind == _FOLDER or (kind in _REGULAR and name.endswith(b"/")):
        return None
    if kind == _SYMLINK:  # a longer target stands in a header before this one, and is not looked at
        target = header[157:257].partition(b"\x00")[0]
        known = len(target) < 100 and b"linkpath" not in fields
        return Item(raw, "120000", len(target) if known else 0, (start - BLOCK + 157,), "symlink")
    if kind not in _REGULAR:
        return Item(raw, _SPECIAL_MODES.get(kind, "100644"), size, (start,), "not_a_regular_file")
    sparse = any(key.startswith(b"GNU.sparse.") for key in fields)
    mode = "100755" if _number(header[100:108]) & 0o100 else "100644"
    return Item(raw, mode, size, (start,), "not_a_regular_file" if sparse else None)


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\x00", 1)[0]
    prefix = header[345:500].split(b"\x00", 1)[0] if header[257:263] == b"ustar\x00" else b""
    return prefix + b"/" + name if prefix else name


def _fields(kind: bytes, record: bytes) -> dict[bytes, bytes]:
    """What a header before a member says about it."""
    if kind == _GNU_LONG_NAME:
        return {b"path": record.rstrip(b"\x00")}
    if kind not in (_PAX, b"X"):
        return {}  # a long link target, or values for the whole archive, such as a commit id: nothing that is used
    fields, place = {}, 0
    while place < len(record):
        length, _, _ = record[place : place + _LONGEST_NUMBER].partition(b" ")
        if not length.isdigit() or not 3 < int(length) <= len(record) - place:
            break
        key, _, value = record[place + len(length) + 1 : place + int(length) - 1].partition(b"=")
        fields[key] = value
        place += int(length)
    size = fields.get(b"size", b"0")
    if not size.isdigit() or len(size) > _LONGEST_NUMBER:
        raise damaged()
    return fields


def _number(field: bytes) -> int:
    """A number in octal digits, or in base 256 if the first bit is set; raises RejectRecord if it is neither."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise damaged()  # negative, or beyond what any file has
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\x00", 1)[0].strip()
    if digits.strip(b"01234567"):
        raise damaged()
    return int(digits, 8) if digits else 0

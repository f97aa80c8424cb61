"""Tars and zips: what is read, that hostile ones do no harm, and that every form of one project reads the same."""

import bz2
import doctest
import gzip
import hashlib
import importlib
import io
import lzma
import os
import pkgutil
import struct
import subprocess
import tarfile
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import gleanery.sources
from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.records.reasons import REASONS
from gleanery.sources import tars, zips
from gleanery.sources.deadline import Deadline
from gleanery.sources.paths import is_safe, reported
from gleanery.sources.reading import Entry, Limits, Source, open_source
from gleanery.sources.tars import TarFiles
from gleanery.sources.zips import ZipFiles

GOLDEN = Path(__file__).parent / "golden" / "sources"
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(content), kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zipped(*members: tuple[str, bytes, int], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name, content, Unix mode)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.filename = name  # as it stands: the constructor cuts names at a NUL
            info.external_attr, info.compress_type, info.create_system = mode << 16, compression, 3
            archive.writestr(info, content)
    return out.getvalue()


def read(raw: bytes, folder: Path, limits: Limits | None = None, sha256: str | None = None) -> dict[str, Entry]:
    path = folder / "project-1.0.bin"  # the name says nothing: the content does
    path.write_bytes(raw)
    with open_source(Source("archive", str(path), sha256=sha256), limits or Limits(), folder / "cache") as reading:
        entries = list(reading.entries())
        assert reading.facts.archive_sha256 == hashlib.sha256(raw).hexdigest()
    paths = [entry.path for entry in entries]
    assert paths == sorted(paths, key=str.encode) and len(set(paths)) == len(paths)
    assert all((entry.content is None) == (entry.skipped is not None) for entry in entries)
    assert all(entry.skipped is None or entry.skipped in REASONS for entry in entries)
    return {entry.path: entry for entry in entries}


def skipped(entries: dict[str, Entry]) -> dict[str, str]:
    return {path: entry.skipped for path, entry in entries.items() if entry.skipped}


def listing(entries: dict[str, Entry]) -> str:
    return "".join(f"{e.mode} {e.size} {e.skipped or 'read'} {e.path}\n" for e in entries.values())


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RejectRecord) as caught:
        call()
    return caught.value.code


LINKS = {
    "p/LICENSE": None,
    "p/lib/LICENSE": "../LICENSE",
    "p/lib/same": "./x",
    "p/lib/x": None,
    "p/out": "../../LICENSE",
    "p/root": "/LICENSE",
    "p/nowhere": "missing",
    "p/folder": "lib",
    "p/chain": "lib/same",
    "p/long": "a/" * 60 + "../" * 60 + "LICENSE",
}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_link_says_which_file_of_its_source_it_leads_to(tmp_path: Path, kind: str) -> None:
    if kind == "tar":
        made = tar(
            *(
                member(path, b"text\n") if to is None else member(path, kind=tarfile.SYMTYPE, linkname=to)
                for path, to in LINKS.items()
            )
        )
    else:
        made = zipped(
            *(
                (path, b"text\n", 0o100644) if to is None else (path, to.encode(), 0o120777)
                for path, to in LINKS.items()
            )
        )
    links = {path: entry.link for path, entry in read(made, tmp_path).items() if entry.skipped == "symlink"}
    assert {path for path, entry in read(made, tmp_path).items() if entry.content is None} == set(links)
    # A target that a tar keeps outside its header is not looked at.
    assert links.pop("long") == (None if kind == "tar" else "LICENSE")
    assert links == dict.fromkeys(["out", "root", "nowhere", "folder", "chain"]) | {
        "lib/LICENSE": "LICENSE",
        "lib/same": "lib/x",
    }


def hostile_tar() -> bytes:
    evil = b"evil\n"
    return tar(
        member("p/README", b"kept\n"),
        member("p/run", b"#!/bin/sh\n", mode=0o755),
        member("p/../../etc/passwd", evil),
        member("/etc/passwd", evil),
        member("p/.git/hooks/post-checkout", evil, mode=0o755),
        member("p/link", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("p/link/through", evil),
        member("p/hard", kind=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("p/character", kind=tarfile.CHRTYPE),
        member("p/block", kind=tarfile.BLKTYPE),
        member("p/pipe", kind=tarfile.FIFOTYPE),
        member("p/volume", kind=b"V"),
        member("p/..\\..\\windows", evil),
        member("p/nul", evil, pax_headers={"path": "p/nul\x00.py"}),
        member("p/bell\x07", evil),
        member("p/README", b"another\n"),
        member("p/" + "d/" * 3000 + "deep", evil),
        member("p/folder", kind=tarfile.DIRTYPE),
        member("p/pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 9\n"),
        member("p/photo", b"\x89PNG\x00"),
    )


def hostile_zip() -> bytes:
    evil, file = b"evil\n", 0o100644
    return zipped(
        ("p/README", b"kept\n", file),
        ("p/run", b"#!/bin/sh\n", 0o100755),
        ("p/../../etc/passwd", evil, file),
        ("/etc/passwd", evil, file),
        ("p/.GIT/config", evil, file),
        ("p/link", b"/etc/passwd", 0o120777),
        ("p/device", b"", 0o020666),
        ("p/..\\..\\windows", evil, file),
        ("C:\\..\\windows", evil, file),
        ("p/nul\x00.py", evil, file),
        ("p/README", b"another\n", file),
        ("p/folder/", b"", 0o040755),
        ("p/photo", b"\x89PNG\x00", file),
    )


def test_a_hostile_tar_is_listed_and_nothing_unsafe_is_read(tmp_path: Path) -> None:
    for compress in COMPRESSORS.values():
        entries = read(compress(hostile_tar()), tmp_path)
        assert listing(entries) == (GOLDEN / "hostile_tar.txt").read_text()
        assert b"evil\n" not in [entries[path].content for path in entries if path != "link/through"]
        assert entries["README"].content == b"another\n"


def test_a_hostile_zip_is_listed_and_nothing_unsafe_is_read(tmp_path: Path) -> None:
    entries = read(hostile_zip(), tmp_path)
    assert listing(entries) == (GOLDEN / "hostile_zip.txt").read_text()
    assert b"evil\n" not in [entry.content for entry in entries.values()]
    assert entries["README"].content == b"another\n"


def test_nothing_is_written_but_nameless_files(tmp_path: Path) -> None:
    read(gzip.compress(hostile_tar()), tmp_path)
    read(hostile_zip(), tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["cache", "project-1.0.bin"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("ending", list(COMPRESSORS))
def test_every_tar_format_and_compression_reads_the_same(form: int, ending: str, tmp_path: Path) -> None:
    deep = "top/" + "folder/" * 16 + "file.py"  # over 100 bytes: a prefix, a long name or a pax record
    raw = tar(member("top/a.py", b"1"), member(deep, b"x" * 700), member("top/é.txt", b"2"), form=form)
    entries = read(COMPRESSORS[ending](raw), tmp_path)
    assert {path: entry.content for path, entry in entries.items()} == {
        "a.py": b"1",
        deep.removeprefix("top/"): b"x" * 700,
        "é.txt": b"2",
    }


def test_the_tar_program_and_its_leading_dots_are_understood(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "a.py").write_bytes(b"1")
    (project / "hole").write_bytes(b"")
    os.truncate(project / "hole", 1 << 20)
    (project / "hole.txt").write_bytes(b"after")
    for form in ("gnu", "pax"):
        packed = subprocess.run(
            ["tar", "--create", "--sparse", f"--format={form}", "."], cwd=project, capture_output=True, check=True
        )
        entries = read(packed.stdout, tmp_path)
        assert entries["src/a.py"].content == b"1" and entries["hole.txt"].content == b"after"
        assert list(skipped(entries).values()) == ["not_a_regular_file"]


def test_only_a_folder_that_everything_shares_is_taken_away(tmp_path: Path) -> None:
    assert list(read(tar(member("top/a"), member("top/b/c")), tmp_path)) == ["a", "b/c"]
    assert list(read(tar(member("top/a"), member("else/c")), tmp_path)) == ["else/c", "top/a"]
    assert list(read(tar(member("top/a"), member("c")), tmp_path)) == ["c", "top/a"]
    assert list(read(tar(member("a")), tmp_path)) == ["a"]
    assert list(read(tar(), tmp_path)) == []


def test_bombs_are_refused(tmp_path: Path) -> None:
    zeros = member("p/zeros", bytes(40 << 20))
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        assert refusal(partial(read, compress(tar(zeros)), tmp_path)) == "expands_too_much"
    little = Limits(max_repository_bytes=1 << 20, max_expansion=1 << 20)  # much more than could be taken of it
    assert refusal(lambda: read(gzip.compress(tar(zeros)), tmp_path, little)) == "expands_too_much"
    assert refusal(lambda: read(zipped(("zeros", bytes(40 << 20), 0)), tmp_path)) == "expands_too_much"
    many = tar(*(member(f"p/{number}") for number in range(101)))
    assert refusal(lambda: read(many, tmp_path, Limits(max_files=100))) == "too_many_files"
    many_zip = zipped(*((f"p/{number}", b"", 0) for number in range(101)))
    assert refusal(lambda: read(many_zip, tmp_path, Limits(max_files=100))) == "too_many_files"
    assert refusal(lambda: read(many, tmp_path, Limits(max_archive_bytes=1000))) == "too_large"


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = gzip.compress(tar(member("p/a", b"1")), mtime=0)
    assert skipped(read(tar(member("p/inner.tar.gz", inner), member("p/b", b"2")), tmp_path)) == {
        "inner.tar.gz": "binary"
    }
    assert refusal(lambda: read(gzip.compress(inner), tmp_path)) == "not_an_archive"


def test_a_header_that_claims_a_giant_record_fills_no_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 600 << 20
    raw = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(15 << 20))
    tracemalloc.start()
    assert refusal(lambda: read(raw, tmp_path)) == "damaged"
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def header(kind: bytes, record: bytes) -> bytes:
    """A header about the next member, or about the archive."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, len(record)
    return info.tobuf(tarfile.USTAR_FORMAT) + record + bytes(-len(record) % 512)


SHORT_RECORDS = b"4 =\n" * (240 << 10)  # 960 KiB in records that are as short as they can be


class Clock:
    """A deadline that counts how often it is looked at, and has passed after so many times."""

    def __init__(self, looks: int = 1 << 30) -> None:
        self.looks, self.most = 0, looks

    def left(self) -> float:
        self.looks += 1
        if self.looks > self.most:
            raise TryAgain("no time is left", "")
        return 1.0


def listed(raw: bytes, clock: Clock) -> list[bytes]:
    """The paths of a tar, without the files that a run would make of it."""
    return [item.raw for item in TarFiles(io.BytesIO(raw), len(raw), cast(Deadline, clock)).items()]


class Counted(bytes):
    """Bytes that count how much of them is copied."""

    copied = 0

    def __getitem__(self, place: Any) -> Any:
        piece = super().__getitem__(place)
        Counted.copied += len(piece) if isinstance(place, slice) else 1
        return Counted(piece) if isinstance(place, slice) else piece


def test_records_of_a_header_are_read_once_however_many_there_are() -> None:
    Counted.copied = 0
    assert tars._fields(b"x", Counted(SHORT_RECORDS)) == {b"": b""}
    assert Counted.copied < 32 * len(SHORT_RECORDS)
    extra = Counted(struct.pack("<HH", 9, 0) * 16_000 + struct.pack("<HHQ", 1, 8, 5))
    assert zips._wide([0xFFFFFFFF, 1, 2], extra) == [5, 1, 2]
    assert Counted.copied < 33 * len(SHORT_RECORDS)


def test_headers_without_a_member_look_at_the_clock() -> None:
    for one in (header(b"x", b"11 path=ab\n"), header(b"L", b"name\0"), header(b"g", b""), folder_header()):
        clock = Clock(looks=50)
        with pytest.raises(TryAgain):
            listed(one * 100 + tar(member("a", b"1")), clock)
    names = [(f"{n}/", b"", 0o755) for n in range(100)]
    raw = zipped(*names)
    with pytest.raises(TryAgain):
        list(ZipFiles(io.BytesIO(raw), len(raw), 1 << 20, cast(Deadline, Clock(looks=50))).items())


def folder_header() -> bytes:
    return header(tarfile.DIRTYPE, b"")


def test_the_headers_of_an_archive_are_bounded_before_a_member_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    end = tar(member("a", b"1"))
    assert listed(header(b"x", SHORT_RECORDS) + end, Clock()) == [b"a"]
    with pytest.raises(RejectRecord) as caught:
        listed(header(b"x", SHORT_RECORDS) * 2 + end, Clock())
    assert caught.value.code == "damaged"
    monkeypatch.setattr(tars, "_MOST_RECORDS", 3 * len(SHORT_RECORDS))
    one = header(b"x", SHORT_RECORDS) + header(tarfile.REGTYPE, b"1")
    assert len(listed(one * 3 + end, Clock())) == 4
    with pytest.raises(RejectRecord):
        listed(one * 4 + end, Clock())


def test_archives_that_are_cut_off_or_damaged_are_refused(tmp_path: Path) -> None:
    whole = tar(member("p/a", b"1" * 3000), member("p/b", b"2" * 3000))
    assert refusal(lambda: read(whole[:1500], tmp_path)) == "damaged"
    assert refusal(lambda: read(gzip.compress(whole)[:-20], tmp_path)) == "damaged"
    assert refusal(lambda: read(lzma.compress(whole)[:-20], tmp_path)) == "damaged"
    assert refusal(lambda: read(whole[:3584] + b"junk" * 128 + whole[4096:], tmp_path)) == "damaged"
    assert refusal(lambda: read(b"PK\x03\x04" + bytes(200), tmp_path)) == "damaged"
    assert refusal(lambda: read(b"%PDF-1.7" + bytes(2000), tmp_path)) == "not_an_archive"
    assert refusal(lambda: read(hostile_zip()[:-30], tmp_path)) == "damaged"
    assert refusal(lambda: read(hostile_zip().replace(b"PK\x01\x02", b"PK\x01\x03", 1), tmp_path)) == "damaged"


def test_a_member_that_is_encrypted_forged_or_oddly_packed_is_unreadable(tmp_path: Path) -> None:
    raw = bytearray(zipped(("p/a", b"1" * 50, 0), ("p/b", b"2" * 50, 0), ("p/c", b"3" * 50, 0)))
    first = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", first + 4)
    raw[first + 8] |= 1  # the flag of encryption
    raw[second + 16] ^= 1  # the check sum
    entries = read(bytes(raw), tmp_path)
    assert skipped(entries) == {"a": "unreadable", "b": "unreadable"} and entries["c"].content == b"3" * 50
    odd = zipped(("p/a", b"1" * 50, 0), ("p/b", b"2", 0), compression=zipfile.ZIP_LZMA)
    assert skipped(read(odd, tmp_path)) == {"a": "unreadable", "b": "unreadable"}


def test_a_zip_that_lies_about_sizes_gives_no_more_than_it_says(tmp_path: Path) -> None:
    raw = bytearray(zipped(("p/a", b"x" * 5000, 0), ("p/b", b"2", 0)))
    raw[(at := raw.index(b"PK\x01\x02")) + 24 : at + 28] = struct.pack("<I", 10)
    assert skipped(read(bytes(raw), tmp_path)) == {"a": "unreadable"}


def test_a_member_that_never_ends_is_read_to_the_end_of_the_file_only(tmp_path: Path) -> None:
    raw = bytearray(zipped(("p/a", b"1" * 50, 0), ("p/b", b"2", 0)))
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    unfinished = bytes(raw[:33]) + packer.compress(b"1" * 50) + packer.flush(zlib.Z_SYNC_FLUSH)
    raw[(at := raw.index(b"PK\x01\x02")) + 20 : at + 28] = struct.pack("<II", 1 << 20, 1000)
    raw[at + 42 : at + 46] = struct.pack("<I", len(raw))  # it stands in the comment, behind everything else
    raw[-2:] = struct.pack("<H", len(unfinished))
    entries = read(bytes(raw) + unfinished, tmp_path)
    assert skipped(entries) == {"a": "unreadable"} and entries["b"].content == b"2"


@pytest.mark.parametrize("before", [b"", struct.pack("<HHI", 0x5455, 4, 7), struct.pack("<HH", 0x9999, 0)])
def test_numbers_of_64_bits_are_found_behind_other_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)  # so that sizes and places are written so
    content = b"0123456789" * 100
    raw = zipped(("p/a", content, 0), ("p/b", content[::-1], 0))
    at = raw.rindex(wide := struct.pack("<HHQ", 1, 24, len(content)))  # of the last member, in the directory
    (length,) = struct.unpack_from("<H", raw, (entry := raw.rindex(b"PK\x01\x02")) + 30)
    raw = raw[: entry + 30] + struct.pack("<H", length + len(before)) + raw[entry + 32 : at] + before + raw[at:]
    end = raw.index(b"PK\x06\x06")
    size, more = struct.unpack_from("<Q", raw, end + 40)[0], len(before)
    raw = raw[: end + 40] + struct.pack("<Q", size + more) + raw[end + 48 :]
    place = raw.index(b"PK\x06\x07") + 8
    raw = raw[:place] + struct.pack("<Q", end) + raw[place + 8 :]
    assert wide in raw and [entry.content for entry in read(raw, tmp_path).values()] == [content, content[::-1]]


def test_large_zips_in_the_64_bit_form_are_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(65_600):  # more than 16 bits can count
            archive.writestr(f"p/{number:05}", b"")
    assert len(read(out.getvalue(), tmp_path)) == 65_600


def test_names_that_are_not_utf8_are_reported_and_not_read(tmp_path: Path) -> None:
    raw = zipped(("p/a", b"1", 0), ("p/NAME", b"2", 0)).replace(b"p/NAME", b"p/n\xffme")
    assert listing(read(raw, tmp_path)) == "100644 1 read a\n100644 1 path_not_safe n%FFme%unsafe\n"
    flagged = bytearray(raw)
    flagged[flagged.rindex(b"PK\x01\x02") + 9] |= 8  # "this name is UTF-8"
    assert "n%FFme%unsafe" in read(bytes(flagged), tmp_path)


def test_a_digest_is_checked(tmp_path: Path) -> None:
    raw = tar(member("p/a", b"1"))
    assert list(read(raw, tmp_path, sha256=hashlib.sha256(raw).hexdigest().upper())) == ["a"]
    assert refusal(lambda: read(raw, tmp_path, sha256="0" * 64)) == "digest_mismatch"


def test_the_limit_of_contents_is_the_same_as_for_a_repository(tmp_path: Path) -> None:
    files = [("p/a", b"x" * 40), ("p/b", b"x" * 70), ("p/c", b"x" * 10)]
    limits = Limits(max_repository_bytes=100)
    for raw in (tar(*(member(*file) for file in files[::-1])), zipped(*((*file, 0) for file in files[::-1]))):
        assert skipped(read(raw, tmp_path, limits)) == dict.fromkeys("bc", "repository_too_large")


def test_an_archive_on_disk_has_the_same_identity_in_any_folder(tmp_path: Path) -> None:
    assert refusal(lambda: open_source(Source("archive", str(tmp_path / "no.tar")), Limits(), tmp_path)) == "not_found"
    assert refusal(lambda: open_source(Source("archive", str(tmp_path)), Limits(), tmp_path)) == "not_found"
    raw = tar(member("p/a", b"1"))
    identities = set()
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool-1.0.tar.gz").write_bytes(gzip.compress(raw))
        with open_source(Source("archive", str(tmp_path / folder / "tool-1.0.tar.gz")), Limits(), tmp_path) as reading:
            identities.add(reading.identity)
    assert [(one.name, one.url) for one in identities] == [("local/tool-1.0", "local:tool-1.0")]


names = st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=12)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
contents = st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode))


def _possible(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files that a git index takes: none is a folder of another, and none has a name that git refuses."""
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    return {path: content for path, content in files.items() if path not in folders and is_safe(path.encode())}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(paths, contents, max_size=12).map(_possible))
@example({"src/a.py": b"1", "src.py": b"2", "src-b": b"3", "é": b"\x00"})
def test_git_tar_and_zip_of_the_same_files_read_the_same(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        forms = [
            read(gzip.compress(tar(*(member(f"top/{path}", content) for path, content in files.items()))), folder),
            read(zipped(*((f"top/{path}", content, 0) for path, content in reversed(files.items()))), folder),
            _read_as_git(files, folder),
        ]
    assert forms[0] == forms[1] == forms[2]
    assert sorted(forms[0]) == sorted(files)
    assert all(entry.content in (None, files[path]) for path, entry in forms[0].items())


def _read_as_git(files: dict[str, bytes], folder: Path) -> dict[str, Entry]:
    """The same files as the one commit of a repository, written by git's own importer."""
    subprocess.run(["git", "init", "--quiet", "--bare", "r"], cwd=folder, check=True)
    script = [b"commit refs/heads/main\ncommitter Invented <invented@example.org> 1500000000 +0000\ndata 0\n"]
    for path, content in files.items():
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').encode()
        script.append(b'M 100644 inline "%b"\ndata %d\n%b\n' % (quoted, len(content), content))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder / "r", input=b"".join(script), check=True)
    (folder / "r" / "HEAD").write_text("ref: refs/heads/main\n")
    with open_source(Source("git", str(folder / "r")), Limits(), folder / "cache") as reading:
        return {entry.path: entry for entry in reading.entries()}


hostile_names = st.sampled_from(
    [b"", b".", b"..", b".git", b"a", b"A", b"%", b"%unsafe", b"%2E", b"\\", b"\xff", b"\n"]
)
hostile_paths = st.one_of(
    st.binary(max_size=40),
    st.lists(hostile_names, max_size=6).map(b"/".join),
    st.lists(hostile_names, max_size=6).map(b"".join),
    st.binary(min_size=4090, max_size=4100),
    st.integers(120, 140).map(lambda parts: b"/".join([b"a"] * parts)),
)


@given(st.lists(hostile_paths, max_size=20))
@example([b"a", b"a%unsafe", b"a%duplicate-2", b"a%25unsafe%unsafe"])
def test_no_two_paths_are_ever_reported_under_one_name(raw: list[bytes]) -> None:
    pairs = [(path, occurrence) for path in set(raw) for occurrence in (1, 2, 3)]
    shown = [reported(*pair)[0] for pair in pairs]
    assert len(set(shown)) == len(pairs)
    assert all(is_safe(reported(path)[0].encode()) == reported(path)[1] for path in raw)


def test_a_chain_of_folders_is_listed_in_short_and_not_read(tmp_path: Path) -> None:
    deep, deeper = "a/" * 127 + "f.py", "a/" * 128 + "f.py"
    members = [member(f"top/{path}", content) for path, content in ((deep, b"x"), (deeper, b"y"), ("LICENSE", b"z"))]
    entries = read(tar(*members), tmp_path)
    short = next(path for path in entries if "%long-" in path)
    assert sorted(entries) == sorted(["LICENSE", deep, short])
    assert (entries[deep].content, entries[short].skipped) == (b"x", "path_not_safe")
    assert short.count("/") < 128 and short.endswith("%unsafe")
    assert not is_safe(deeper.replace("/", "\\").encode())


@given(st.lists(st.tuples(hostile_paths.filter(lambda path: b"\x00" not in path), st.binary(max_size=9)), max_size=12))
def test_every_member_of_any_tar_is_reported_once(members: list[tuple[bytes, bytes]]) -> None:
    files = [member("p/" + path.decode("utf-8", "surrogateescape"), content) for path, content in members]
    with tempfile.TemporaryDirectory() as temporary:
        entries = read(tar(*files, form=tarfile.GNU_FORMAT), Path(temporary))
    folders = sum(1 for path, _ in members if not path or path.endswith(b"/"))
    assert len(entries) == len(members) - folders


@given(st.binary(max_size=2000), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"BZh9", b"\xfd7zXZ\x00"]))
def test_any_bytes_are_read_or_refused_and_nothing_else(raw: bytes, magic: bytes) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        try:
            read(magic + raw, Path(temporary))
        except RejectRecord as error:
            assert error.code in ("damaged", "not_an_archive", "expands_too_much")


@given(st.data())
def test_a_zip_or_tar_with_changed_bytes_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([hostile_zip(), hostile_tar()])))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as temporary:
        try:
            read(bytes(raw), Path(temporary))
        except RejectRecord as error:
            assert error.code in ("damaged", "not_an_archive", "expands_too_much")


@pytest.mark.parametrize("module", [found.name for found in pkgutil.iter_modules(gleanery.sources.__path__)])
def test_the_examples_in_the_docstrings_are_true(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"gleanery.sources.{module}")).failed == 0


DECLARATION = ".dataset-optout.json"
OBJECTION = b'{"action": "block"}'


@pytest.mark.parametrize(
    "beside", ["__MACOSX/lib/._LICENSE", "._lib", "PaxHeader", "PaxHeaders.12/lib", "pax_global_header"]
)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_what_a_packer_puts_beside_the_folder_hides_no_declaration(tmp_path: Path, kind: str, beside: str) -> None:
    contents = {beside: b"attributes", f"lib/{DECLARATION}": OBJECTION, "lib/a.py": b"a = 1\n"}
    members = [member(name, content) for name, content in contents.items()]
    raw = tar(*members) if kind == "tar" else zipped(*((name, content, 0o644) for name, content in contents.items()))
    entries = read(raw, tmp_path)
    assert entries[DECLARATION].declares and entries[DECLARATION].content == OBJECTION and "a.py" in entries


def test_a_zip_whose_parts_are_separated_by_backslashes_has_folders_licences_and_declarations(tmp_path: Path) -> None:
    names = ["widgets\\", f"widgets\\{DECLARATION}", "widgets\\LICENSE", "widgets\\src\\a.py"]
    odd = [*names, "..\\a.py", "widgets/odd\\name"]
    for packed, expected in (
        (names, [DECLARATION, "LICENSE", "src/a.py"]),
        (odd, ["%2E%2E/a.py%unsafe", DECLARATION, "LICENSE", "odd\\name", "src/a.py"]),
    ):
        entries = read(zipped(*((name, OBJECTION, 0o100644) for name in packed)), tmp_path)
        assert list(entries) == expected
        assert [path for path, entry in entries.items() if entry.declares] == [DECLARATION]
        assert [path for path, entry in entries.items() if entry.skipped] == [p for p in expected if "%" in p]


def test_where_several_folders_stand_at_the_top_each_may_declare(tmp_path: Path) -> None:
    deeper = f"one/vendor/{DECLARATION}"
    names = ["one/a.py", f"two/.well-known/{DECLARATION[1:]}", f"one/{DECLARATION}", deeper, "README"]
    entries = read(tar(*(member(name, OBJECTION) for name in names)), tmp_path)
    assert [path for path, entry in entries.items() if entry.declares] == sorted(names[1:3])
    raw = tar(member("one/a.py", b""), member(f"one/x/{DECLARATION}", OBJECTION))
    assert read(raw, tmp_path)[f"x/{DECLARATION}"].declares is False


@pytest.mark.parametrize(
    ("top", "left"),
    [
        ("lib-1.0/", ""),
        ("github.com/owner/lib@v1.0.0/", ""),
        ("github.com/!owner/lib/v2@v2.0.0+incompatible/", ""),
        ("a/b/c/", "b/c/"),
        ("a/b@c/", "b@c/"),
    ],
)
@pytest.mark.parametrize("place", [DECLARATION, f".well-known/{DECLARATION[1:]}"])
def test_a_declaration_is_heard_at_the_end_of_a_chain_of_folders(
    tmp_path: Path, top: str, left: str, place: str
) -> None:
    for names in (["LICENSE", "src/main.go", f"src/{DECLARATION}", place], ["src/main.go", place], [place]):
        entries = read(zipped(*((top + name, OBJECTION, 0o100644) for name in names)), tmp_path)
        assert sorted(entries) == sorted(left + name for name in names)
        assert [path for path, entry in entries.items() if entry.declares] == [left + place]


@pytest.mark.parametrize("kind", [b"g", b"K"])
def test_what_is_said_of_an_archive_or_of_a_link_names_no_member(tmp_path: Path, kind: bytes) -> None:
    raw = header(kind, b"18 path=p/evil.py\n") + tar(member("p/a.py", b"1"), member("p/b.py", b"2"))
    assert sorted(read(raw, tmp_path)) == ["a.py", "b.py"]


def test_a_sparse_member_bears_its_own_name(tmp_path: Path) -> None:
    sparse = member("top/GNUSparseFile.1/disk", b"map and data")
    sparse[0].pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "top/disk", "GNU.sparse.realsize": "999"}
    assert skipped(read(tar(sparse, member("top/a.py", b"1")), tmp_path)) == {"disk": "not_a_regular_file"}


def test_of_two_members_with_one_name_the_last_is_read_and_no_declaration_is_lost(tmp_path: Path) -> None:
    first, last = (
        {"LICENSE": b"old", DECLARATION: OBJECTION},
        {"LICENSE": b"new", DECLARATION: b'{"action": "unblock"}'},
    )
    members = [member(f"p/{name}", content) for part in (first, last) for name, content in part.items()]
    entries = read(tar(*members), tmp_path)
    assert entries["LICENSE"].content == b"new" and entries[DECLARATION].content == last[DECLARATION]
    doubled = entries[f"{DECLARATION}%duplicate-2"]
    assert doubled.declares and doubled.content is None  # what cannot be read objects

"""Real packages with a licence for each file that their maintainers in Debian wrote down. No one here wrote a label.

In: `labels/debian.toml`, a list of source packages by name, version and digest. Out: for each package its source tree
without the folder `debian/`, packed anew as a tar file, and for each file the SPDX expression of the paragraph of
debian/copyright that governs it (DEP-5: the last paragraph that matches). The packages are downloaded once into the
cache (about 40 MB) and are never part of the project. Where they come from is what the machine's own package manager
is set to, or the setting GLEANERY_DEBIAN_MIRROR.

The set was drawn in six draws (`licensing_choice.py`). Of the fourth, the test half, only totals may be read; the
errors of the others may: they are the development half.
"""

import hashlib
import os
import re
import tarfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, cast

from debian_inspector.copyright import CopyrightFilesParagraph, DebianCopyright
from licensing_names import spdx_of

from gleanery.licensing.names import license_role
from gleanery.quality.language import detect_language

PINS = Path(__file__).parent / "labels" / "debian.toml"
_APT = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_URI = re.compile(r"^(?:URIs:\s*|deb(?:-src)?\s+(?:\[[^]]*\]\s*)?)(https?://\S+)", re.MULTILINE)
TEST_DRAW = 4
MOST_FILES = 200  # of one package, so that no package rules the figures
CODE = ("programming", "markup")


class Missing(Exception):
    """A pinned file cannot be had on this machine."""


@dataclass(frozen=True)
class Pin:
    """One source package: where its two files lie below the mirror's root, and their digests."""

    name: str
    version: str
    kind: str
    draw: int
    section: str
    upstream: str
    upstream_sha256: str
    debian: str
    debian_sha256: str

    @property
    def half(self) -> str:
        """dev or test: nobody has looked at a package of the fourth draw."""
        return "test" if self.draw == TEST_DRAW else "dev"


@dataclass(frozen=True)
class Paragraph:
    """A `Files:` paragraph: its patterns, what it says in Debian's words, and that in SPDX (None: cannot be mapped)."""

    patterns: tuple[str, ...]
    synopsis: str
    expression: str | None


@dataclass(frozen=True)
class Package:
    """A labelled source tree: the tar file without `debian/`, and the label of each path in it."""

    name: str
    half: str
    kind: str
    archive: Path
    labels: dict[str, str]  # path to SPDX expression; a path whose label cannot be mapped is missing
    own: str | None  # the licence of the package as a whole: that of the paragraph `Files: *`
    unmapped: dict[str, int] = field(default_factory=dict)  # Debian's words, and how many files have them


def pins(path: Path = PINS) -> list[Pin]:
    """All pinned packages, by name."""
    return [Pin(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["package"]]


def cache() -> Path:
    """The folder of downloads: below GLEANERY_CACHE, or the user's cache folder."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("GLEANERY_CACHE") or user / "gleanery") / "benchmarks" / "licences"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def packages(chosen: Sequence[Pin]) -> Iterator[Package]:
    """The labelled trees of some pins; those that cannot be downloaded are passed over with a line on the screen."""
    for pin in chosen:
        try:
            yield _package(pin)
        except Missing as why:
            print(f"left out: {pin.name} {pin.version}: {why}")


def _package(pin: Pin) -> Package:
    paragraphs = paragraphs_of(debian_copyright(downloaded(pin.debian, pin.debian_sha256)))
    upstream = downloaded(pin.upstream, pin.upstream_sha256)
    archive = cache() / f"{pin.name}-{pin.upstream_sha256[:16]}.tar"
    if not archive.exists():
        _repack(upstream, archive)
    return labelled(pin.name, pin.half, pin.kind, archive, paragraphs)


def labelled(name: str, half: str, kind: str, archive: Path, paragraphs: Sequence[Paragraph]) -> Package:
    """A tree with the label of each of its files."""
    labels: dict[str, str] = {}
    unmapped: dict[str, int] = {}
    with tarfile.open(archive) as tar:
        for path in (m.name for m in tar if m.isfile()):
            paragraph = label_of(path, paragraphs)
            if paragraph is None:
                unmapped["(no paragraph)"] = unmapped.get("(no paragraph)", 0) + 1
            elif paragraph.expression is None:
                unmapped[paragraph.synopsis] = unmapped.get(paragraph.synopsis, 0) + 1
            else:
                labels[path] = paragraph.expression
    own = next((p.expression for p in paragraphs if "*" in p.patterns), None)
    return Package(name, half, kind, archive, labels, own, unmapped)


def code_paths(tree: Package) -> list[str]:
    """The labelled files of a package that are code, in the order of a keyed hash."""
    paths = []
    with tarfile.open(tree.archive) as tar:
        for member in tar:
            if member.name in tree.labels and license_role(member.name) not in ("license", "notice"):
                content = cast(IO[bytes], tar.extractfile(member)).read(1 << 16)
                if content and detect_language(member.name, content)[1] in CODE:
                    paths.append(member.name)
    paths.sort(key=lambda p: hashlib.blake2b(p.encode(), key=b"files").digest())
    return paths[:MOST_FILES]


# ---- Debian's records ------------------------------------------------------------------------------------------------


def debian_copyright(archive: Path) -> str:
    """The text of debian/copyright in a debian.tar or a native source package; Missing if there is none."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if re.fullmatch(r"(?:\./)?(?:[^/]+/)?debian/copyright", member.name) and member.isfile():
                return cast(IO[bytes], tar.extractfile(member)).read().decode("utf-8", "replace")
    raise Missing("it has no debian/copyright")


def paragraphs_of(text: str) -> list[Paragraph]:
    """The paragraphs with patterns of files, in their order; Missing if the text is not machine readable."""
    if not re.search(r"^Format(?:-Specification)?:\s*\S+", text, re.MULTILINE):
        raise Missing("its debian/copyright is not machine readable")
    found = []
    for one in DebianCopyright.from_text(text).paragraphs:
        if isinstance(one, CopyrightFilesParagraph) and one.license is not None:
            synopsis = str(one.license.name or "").strip()
            found.append(Paragraph(tuple(" ".join(one.files.values).split()), synopsis, spdx_of(synopsis)))
    if not found:
        raise Missing("its debian/copyright names no files")
    return found


def label_of(path: str, paragraphs: Sequence[Paragraph]) -> Paragraph | None:
    """The last paragraph that matches. `*` and `?` match `/` too, as DEP-5 says."""
    return next((p for p in reversed(paragraphs) if any(_matches(pattern, path) for pattern in p.patterns)), None)


def _matches(pattern: str, path: str) -> bool:
    pattern = pattern.removeprefix("./").rstrip(",")
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    # Many maintainers name a folder without the star that the page asks for.
    return re.fullmatch(escaped, path, re.DOTALL) is not None or (pattern.endswith("/") and path.startswith(pattern))


# ---- downloads -------------------------------------------------------------------------------------------------------


def mirror() -> str:
    """The root of the mirror that this machine's package manager is set to; Missing if there is none."""
    if given := os.environ.get("GLEANERY_DEBIAN_MIRROR"):
        return given.rstrip("/")
    files = [f for place in _APT for f in (sorted(place.glob("*")) if place.is_dir() else [place]) if f.is_file()]
    roots = [uri for f in files for uri in _URI.findall(f.read_text("utf-8", "replace"))]
    for root in roots:
        if root.rstrip("/").endswith("/debian"):
            return str(root).rstrip("/")
    raise Missing("no Debian mirror is known here; set GLEANERY_DEBIAN_MIRROR to the address of one")


def downloaded(path: str, sha256: str) -> Path:
    """A file of the mirror, from the cache or downloaded and compared with its digest."""
    target = _kept_at(path, sha256)
    if target.exists():
        return target
    content = _read(f"{mirror()}/{path}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Missing("the mirror has another content under this name")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.rename(target)
    return target


def is_cached(path: str, sha256: str) -> bool:
    """Whether a file of the mirror was downloaded before."""
    return _kept_at(path, sha256).exists()


def _kept_at(path: str, sha256: str) -> Path:
    return cache() / f"{sha256[:16]}-{path.rpartition('/')[2]}"


def _read(url: str) -> bytes:
    for pause in (1, 3, 0):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code < 500 or not pause:
                raise Missing(f"the mirror answers {error.code}") from None
        except OSError:
            if not pause:
                raise Missing("the mirror does not answer") from None
        time.sleep(pause)
    raise Missing("the mirror does not answer")


def _repack(upstream: Path, archive: Path) -> None:
    """The files of an upstream archive below its single top folder, without `debian/`, in one plain tar file."""
    temporary = archive.with_name(f".{archive.name}.{os.getpid()}")
    with tarfile.open(upstream) as source, tarfile.open(temporary, "w") as target:
        members = sorted((m for m in source if m.isfile()), key=lambda m: m.name)
        tops = {m.name.removeprefix("./").partition("/")[0] for m in members}
        inside = len(tops) == 1 and all("/" in m.name.removeprefix("./") for m in members)
        for member in members:
            name = member.name.removeprefix("./")
            name = name.partition("/")[2] if inside else name
            if name and not name.startswith("debian/"):
                content = cast(IO[bytes], source.extractfile(member)).read()
                fresh = tarfile.TarInfo(name)
                fresh.size = len(content)
                target.addfile(fresh, BytesIO(content))
    temporary.rename(archive)

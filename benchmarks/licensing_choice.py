"""How the packages of `labels/debian.toml` were chosen: by a rule, and before any tool had seen them.

    python benchmarks/licensing_choice.py Sources-13 Sources-12 > more.toml; mv more.toml benchmarks/labels/debian.toml

In: the lists of source packages of Debian 13 and 12 (`apt-get indextargets` says where a machine keeps them). Out:
the pins: those that were chosen before, and more. The rule, first for the one release, then for what is still missing
in the other: packages whose upstream archive has 8 kB to 1.5 MB, in the order of a keyed hash of their name, at most
30 of each of Debian's sections; of these, those of which a draw before left the record in the cache and whose archive
is there or still on the mirror, and whose debian/copyright is machine readable and names for `Files: *` a licence that
we can map; of these, for each kind of licensing, the first so many as `QUOTAS` says. Kinds are read off the labels.

This set was drawn six times, each time with larger quotas and in the same order; the seventh draw is another set
(`licensing_repository_choice.py`). The packages of the fourth draw are the test half, and nobody has looked at them;
those of the others have been read while rules were written. The first four draws asked the mirror for what they had
not; the fifth took only what these had downloaded and had no room for; the sixth takes the records that are left, and
asks the mirror for their archives.
"""

import hashlib
import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from labelled_licences import Missing, Paragraph, Pin, debian_copyright, downloaded, is_cached, paragraphs_of, pins

from gleanery.licensing.policy import Policy

QUOTAS = {
    "reuse": 32,
    "vendored": 30,
    "mixed": 156,
    "exception": 27,
    "dual": 50,
    "copyleft": 168,
    "weak-copyleft": 90,
    "permissive": 353,
}
DRAW = 6
_PER_SECTION = 30
_SMALLEST, _LARGEST = 8_000, 1_500_000
_KEY = b"gleanery licence labels, choice 1"
VENDORED = re.compile(
    r"(?:^|/)(?:vendor|vendored|_vendor|third[-_]?party|3rdparty|externals?|deps|node_modules)/", re.I
)


def main() -> None:
    """Print the pins."""
    chosen = {pin.name: pin for pin in pins()}
    left = {kind: quota - sum(p.kind == kind for p in chosen.values()) for kind, quota in QUOTAS.items()}
    for sources in sys.argv[1:]:
        _choose(sorted(_candidates(Path(sources)), key=lambda p: _hash(p.name)), left, chosen)
    print(
        "# Source packages of Debian whose maintainers recorded a licence for each file. Made by licensing_choice.py."
    )
    for _, pin in sorted(chosen.items()):
        print("\n[[package]]")
        print("\n".join(f"{key} = {json.dumps(value)}" for key, value in vars(pin).items()))


def _choose(candidates: list[Pin], left: dict[str, int], chosen: dict[str, Pin]) -> None:
    sections = Counter[str]()
    for pin in candidates:
        if pin.name in chosen or sections[pin.section] >= _PER_SECTION or not any(left.values()):
            continue
        if not is_cached(pin.debian, pin.debian_sha256):
            continue
        sections[pin.section] += 1
        try:
            kind = _kind(paragraphs_of(debian_copyright(downloaded(pin.debian, pin.debian_sha256))), pin, left)
            if kind is not None:
                downloaded(pin.upstream, pin.upstream_sha256)
                left[kind] -= 1
                chosen[pin.name] = Pin(**(vars(pin) | {"kind": kind, "draw": DRAW}))
        except (Missing, tarfile.TarError) as why:
            print(f"# passed over: {pin.name}: {why}", file=sys.stderr)


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), key=_KEY).digest()


def _candidates(sources: Path) -> Iterator[Pin]:
    for stanza in sources.read_text("utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        if "Package" not in fields:
            continue
        files = [line.split() for line in fields["Checksums-Sha256"].strip().splitlines()]
        tars = [f for f in files if re.search(r"\.tar\.(?:gz|xz|bz2)$", f[2])]
        upstream = [f for f in tars if ".orig" in f[2]]
        debian = [f for f in tars if ".debian." in f[2]]
        if len(tars) == 2 and len(upstream) == len(debian) == 1 and _SMALLEST <= int(upstream[0][1]) <= _LARGEST:
            listed = fields.get("Package-List", "").split()
            section = listed[2] if len(listed) > 2 else fields.get("Section", "misc")
            folder = fields["Directory"].strip()
            yield Pin(
                fields["Package"].strip(), fields["Version"].strip(), "", DRAW, section,
                f"{folder}/{upstream[0][2]}", upstream[0][0], f"{folder}/{debian[0][2]}", debian[0][0],
            )  # fmt: skip


def _kind(paragraphs: list[Paragraph], pin: Pin, left: dict[str, int]) -> str | None:
    """The rarest kind that fits and has room; None where the package as a whole has no label that can be mapped."""
    fits = kinds_of(paragraphs, bool(left["reuse"]) and _is_reuse(pin))
    return next((kind for kind in QUOTAS if kind in fits and left[kind]), None)


def kinds_of(paragraphs: list[Paragraph], reuse: bool) -> set[str]:
    """The kinds that fit a record; none where the package as a whole has no label that can be mapped."""
    own = next((p.expression for p in paragraphs if "*" in p.patterns), None)
    if own is None:
        return set()
    theirs = [p for p in paragraphs if not all(pattern.startswith("debian") for pattern in p.patterns)]
    said = " ".join(p.expression or "" for p in theirs)
    policy = Policy.load()
    answers = {policy.answer(p.expression) for p in theirs if p.expression}
    fits = {
        "reuse": reuse,
        "vendored": any(VENDORED.search(pattern) for p in theirs for pattern in p.patterns),
        "mixed": {"allow", "deny"} <= answers,
        "exception": " WITH " in said,
        "dual": " OR " in said,
        "copyleft": policy.category(own) in ("copyleft", "restricted"),
        "weak-copyleft": policy.category(own) == "weak-copyleft",
        "permissive": policy.category(own) in ("permissive", "public-domain"),
    }
    return {kind for kind, does in fits.items() if does}


def _is_reuse(pin: Pin) -> bool:
    """Whether the upstream tree follows REUSE: its texts stand in LICENSES/."""
    with tarfile.open(downloaded(pin.upstream, pin.upstream_sha256)) as tar:
        names = [m.name for m in tar if m.isfile()]
    return any(re.fullmatch(r"(?:\./)?[^/]+/LICENSES/[^/]+\.txt", name) for name in names)


if __name__ == "__main__":
    main()

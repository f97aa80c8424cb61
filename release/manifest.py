"""The manifest: what a release is, what made it, and the digest of every file in it.

In: a release folder and facts about the run. Out: `manifest.json`, canonical JSON: keys sorted, one space of indent,
ASCII, one newline at the end. It holds no clock, host or absolute path, so two runs over the same input give the same
bytes. `release_id` is the SHA-256 of the manifest without that field; it names the release and protects the manifest.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes
from gleanery.release.gate import GateResult, stop_if_failed
from gleanery.release.listing import MANIFEST, digest, entries, is_plain_path
from gleanery.release.merkle import root_of
from gleanery.release.wording import shown

FORMAT = "gleanery-release-1"
_ABSOLUTE = re.compile(r"(?:file://)?(/|~|[A-Za-z]:[\\/]|\\\\)")


def build_manifest(
    root: Path,
    *,
    config: Mapping[str, Any],
    tools: Mapping[str, str],
    registry_position: int,
    policy: str,
    counts: Mapping[str, Mapping[str, int]],
    gate: Sequence[GateResult],
) -> bytes:
    """The bytes of the manifest of the files that are in `root` now.

    config             the run's settings, as plain JSON values; absolute paths are shortened to their last part
    tools              name and version of each detector and library that decides something
    registry_position  the last rule of the opt-out registry that was taken into account
    policy             name and version of the licence policy
    counts             for each stage, how many records came in and what became of them
    gate               what the gate answered; raises StopRun if it returned a row

    Raises StopRun for a file that may not be released: a link, a device, a name that is not plain.
    """
    stop_if_failed(gate)
    files = _files(root)
    settings = _portable(config)
    content = {
        "format": FORMAT,
        "config": settings,
        "config_sha256": hashlib.sha256(canonical(settings)).hexdigest(),
        "tools": dict(tools),
        "registry_position": registry_position,
        "policy": policy,
        "counts": {stage: dict(count) for stage, count in counts.items()},
        "gate": [{"question": r.question.name, "asked": r.asked, "rows": r.rows} for r in gate],
        "files": files,
        "merkle_root": merkle_root(files),
    }
    return canonical(content | {"release_id": release_id(content)})


def write_manifest(root: Path, manifest: bytes) -> str:
    """Write what `build_manifest` gave, the last file of a release, and give its release_id."""
    write_bytes(root / MANIFEST, manifest)
    return str(json.loads(manifest)["release_id"])


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value.

    >>> canonical({"b": 1, "a": []})
    b'{\\n "a": [],\\n "b": 1\\n}\\n'
    """
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def release_id(content: Mapping[str, Any]) -> str:
    """SHA-256 of the manifest's content without the field release_id, 64 hexadecimal digits."""
    return hashlib.sha256(canonical({k: v for k, v in content.items() if k != "release_id"})).hexdigest()


def merkle_root(files: Iterable[Mapping[str, Any]]) -> str:
    """Root over the files in path order; a leaf is the entry as JSON without spaces, keys sorted."""
    leaves = (json.dumps(file, sort_keys=True, separators=(",", ":")).encode() for file in files)
    return root_of(leaves).hex()


def _files(root: Path) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    for entry in entries(root):
        if entry.path == MANIFEST:
            continue
        if entry.kind != "file" or not is_plain_path(entry.path):
            raise StopRun(
                f"{shown(entry.path)} cannot be part of a release: it is not a plain file with a plain name",
                "remove it from the release folder; a release holds what the run put there and nothing else",
            )
        sha256, size = digest(root / entry.path)
        files.append({"path": entry.path, "bytes": size, "sha256": sha256})
    return files


def _portable(value: Any) -> Any:
    """The value without what is true of one machine only."""
    if isinstance(value, Mapping):
        return {str(key): _portable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(part) for part in value]
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str) and _ABSOLUTE.match(value):
        path = PureWindowsPath(value) if "\\" in value else PurePosixPath(value)
        return path.name
    return value

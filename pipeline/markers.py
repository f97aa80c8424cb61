"""Markers: what a finished step left, each file with its digest, and from what it was made.

In: the folder of a run and the name of a step. Out: its marker, or None where it is not finished. One small JSON file
for a step, which is written last of all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gleanery.records.files import read_json, write_json
from gleanery.records.parquet import Written
from gleanery.records.step_notes import digest_of

_NOTED = {"fingerprint", "outputs", "counts", "notes", "cpu_ms", "reads"}


@dataclass(frozen=True)
class Marker:
    """What a finished step left: its fingerprint, every output with its digest, its counts, and what it cost."""

    fingerprint: str
    outputs: Mapping[str, Written]
    counts: Mapping[str, int]
    notes: Mapping[str, int]
    cpu_ms: int = 0  # the only value here that differs between two runs; no digest depends on it
    reads: Mapping[str, str] = field(default_factory=dict)  # the digests of the steps that it was made from

    @property
    def digest(self) -> str:
        """A digest of all outputs, for the fingerprints of the steps that read them."""
        return digest_of({p: w.sha256 for p, w in self.outputs.items()})

    def paths(self, root: Path, prefix: str) -> list[Path]:
        """Outputs below a folder of the run, sorted."""
        return [root / p for p in sorted(self.outputs) if p.startswith(prefix + "/")]


def marker_of(root: Path, name: str) -> Marker | None:
    """The marker of a step that is finished, by whatever settings."""
    plain = read_json(_place(root, name))
    if plain is None or not plain.keys() >= _NOTED:  # such as that of an older version
        return None
    outputs = {p: Written(*w) for p, w in plain["outputs"].items()}
    return Marker(plain["fingerprint"], outputs, plain["counts"], plain["notes"], plain["cpu_ms"], plain["reads"])


def write_marker(root: Path, name: str, marker: Marker) -> None:
    """Say that a step is finished."""
    plain = {"fingerprint": marker.fingerprint, "counts": marker.counts, "notes": marker.notes, "cpu_ms": marker.cpu_ms}
    plain |= {"reads": marker.reads, "outputs": {p: [w.rows, w.bytes, w.sha256] for p, w in marker.outputs.items()}}
    write_json(_place(root, name), plain)


def rests_on(root: Path, name: str, grounds: Collection[str]) -> bool:
    """Whether a step is finished, and was made by way of any others from what `grounds` left in this folder.

    False where one of them was done anew since, as in a run that was stopped under other settings: then tables of two
    times stand side by side.
    """
    marker = marker_of(root, name)
    if marker is None:
        return False
    for below, digest in marker.reads.items():
        found = marker_of(root, below)
        if found is None or found.digest != digest or not (below in grounds or rests_on(root, below, grounds)):
            return False
    return True


def is_there(path: Path, written: Written) -> bool:
    """Whether an output is there, as far as its size tells."""
    try:
        return path.stat().st_size == written.bytes
    except OSError:
        return False


def step_folder(root: Path, step: str) -> Path:
    """Where a step keeps its notes and what it hands on."""
    return root / "work" / step


def _place(root: Path, name: str) -> Path:
    return step_folder(root, name) / "done.json"

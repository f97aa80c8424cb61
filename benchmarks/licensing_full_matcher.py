"""What scancode's full matcher says of 2,000 files of real code, kept as a table, since asking it takes half an hour.

    python benchmarks/licensing_full_matcher.py        # asks for the files that the table does not have yet

In: the first 400 MB of `corpus.py`. Out: `labels/full_matcher.json`: for each file of a random sample (the lowest keyed
hashes of its content) the SPDX expression that `get_licenses` gives for the whole file, as its command line does.
The table names its detector, and counts for no other.
"""

import hashlib
import heapq
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from corpus import code_files

from gleanery.licensing.scan import Scanner, warm

TABLE = Path(__file__).parent / "labels" / "full_matcher.json"
SIZE = 2_000
_KEY = b"gleanery full matcher, sample 1"


@dataclass(frozen=True)
class Sampled:
    """One file of the sample; `digest` names its content in the table."""

    name: str
    digest: str
    content: bytes


def digest_of(content: bytes) -> str:
    """The keyed hash by which the sample is drawn and the table is ordered."""
    return hashlib.blake2b(content, key=_KEY, digest_size=10).hexdigest()


def sample(size: int = SIZE, megabytes: float = 400.0) -> list[Sampled]:
    """Files whose contents have the lowest keyed hashes; each content once, and the order is that of the hashes."""
    best: dict[bytes, tuple[str, bytes]] = {}
    heap: list[int] = []
    for file in code_files(megabytes):
        key = bytes.fromhex(digest_of(file.content))
        rank = -int.from_bytes(key, "big")
        if key in best or (len(heap) == size and rank <= heap[0]):
            continue
        best[key] = (f"{file.repo}/{file.path}", file.content)
        if len(heap) < size:
            heapq.heappush(heap, rank)
        else:
            del best[(-heapq.heapreplace(heap, rank)).to_bytes(10, "big")]
    return [Sampled(name, key.hex(), content) for key, (name, content) in sorted(best.items())]


def full_answer(file: Sampled) -> tuple[str, str | None]:
    """(digest, the SPDX expression of scancode's `get_licenses`)."""
    from scancode.api import get_licenses

    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        path = Path(folder) / file.name.rpartition("/")[2]
        path.write_bytes(file.content)
        return file.digest, get_licenses(str(path))["detected_license_expression_spdx"]


def table() -> dict[str, str | None]:
    """The answers that are known, by digest; empty where they come from another version of scancode."""
    if not TABLE.exists():
        return {}
    kept = json.loads(TABLE.read_text("utf-8"))
    return dict(kept["answers"]) if kept["detector"] == _detector() else {}


def _detector() -> str:
    return Scanner().detector.rpartition(" / ")[0]


def _asked(files: list[Sampled]) -> Iterator[tuple[str, str | None]]:
    warm()
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        yield from pool.map(full_answer, files)


def main() -> None:
    """Fill the table; what is there already is not asked again."""
    known = table()
    missing = [file for file in sample() if file.digest not in known]
    for number, (digest, expression) in enumerate(_asked(missing), 1):
        known[digest] = expression
        if number % 20 == 0 or number == len(missing):
            TABLE.write_text(
                json.dumps({"detector": _detector(), "answers": known}, indent=0, sort_keys=True) + "\n", "utf-8"
            )
            print(f"{number} of {len(missing)}", flush=True)


if __name__ == "__main__":
    main()

"""What the classes of sameness say about copies that people made on purpose, and about work that is not copied.

In: the source code plagiarism data set of Karnalim et al., "Source Code Plagiarism Detection in Academia with
Information Retrieval: Dataset and the Observation" (2019; Apache-2.0): 467 Java files for seven exercises. For each one
original, copies that were disguised at six levels (1: comments and white space, 2: names, 3: where things are declared,
4: other constructs, 5: other control flow, 6: other logic), and solutions of people who worked on their own. Out:
`labelled_metrics`. The file of 0.4 MB is downloaded once and compared with its digest; without it there are no figures.
"""

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dedup_stage import THRESHOLD, run_steps, write_blobs
from measuring import Metric, metric, report
from planted import similar_pairs

from gleanery.dedup.signatures import Parameters, shingle_sets
from gleanery.dedup.texts import joined_texts
from gleanery.pipeline.caches import user_cache
from gleanery.pipeline.settings import Settings
from gleanery.quality.decoding import decode
from gleanery.records.errors import GleaneryError
from gleanery.records.ids import blob_id
from gleanery.records.parquet import iter_rows
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import fetch_file

URL = (
    "https://github.com/oscarkarnalim/sourcecodeplagiarismdataset/raw/"
    "f07e95120680b25f78659ed63cd6130fd05b2df8/IR-Plag-Dataset.zip"
)
SHA256 = "1b96b320fd05d164b3a7ee17d8cc36992b728d3be099dc7ec39ddb7fae2ec4a4"
LEVELS = tuple(f"level {n}" for n in range(1, 7))
OWN_WORK = "own work"


def labelled_metrics() -> list[Metric]:
    """For each level the share of copies that a class joins to their original; the same for what is no copy."""
    try:
        _, file = fetch_file(URL, {"sha256": SHA256}, 1 << 20, URL, user_cache(), Deadline(120))
    except GleaneryError as error:
        print(f"no labelled copies: {error}")
        return []
    files = list(_files(file))
    texts = {ident: decode(content)[0] or "" for _, _, ident, content in files}
    found = _found(files)
    originals = {case: ident for case, kind, ident, _ in files if kind == "original"}
    classes: dict[str, list[str]] = defaultdict(list)
    for case, kind, ident, _ in files:
        if kind != "original":
            same = ident == originals[case]
            classes[kind].append("exact" if same else found.get(_pair(ident, originals[case]), ("none", 0.0))[0])
    unit = "share joined to the original"
    metrics = [
        metric(f"labelled_{kind.replace(' ', '_')}", [_joined(classes[kind])], unit, _each(classes[kind]))
        for kind in (*LEVELS, OWN_WORK)
    ]
    names = sorted(texts)
    sets = shingle_sets(joined_texts([texts[name] for name in names]), Parameters())
    true = {(names[i], names[j]) for i, j in similar_pairs(sets, THRESHOLD)[0].tolist()}
    near = {pair for pair, (_, jaccard) in found.items() if jaccard >= THRESHOLD}
    both = len(true & near)
    return [
        *metrics,
        metric("labelled_pair_f1", [2 * both / max(1, len(true) + len(near))], "F1 at 0.7", {"pairs": len(true)}),
    ]


def _files(file: BinaryIO) -> Iterator[tuple[str, str, str, bytes]]:
    """Exercise, kind (original, a level, or own work), id and content of each file."""
    with file, zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".java"):
                _, case, kind, *rest = name.split("/")
                level = {"plagiarized": rest[0].replace("L", "level "), "non-plagiarized": OWN_WORK}.get(kind, kind)
                content = archive.read(name)
                yield case, level, blob_id(content), content


def _found(files: list[tuple[str, str, str, bytes]]) -> dict[tuple[str, str], tuple[str, float]]:
    """The class and the Jaccard similarity of each pair that the stage measured."""
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        root = write_blobs(Path(folder) / "run", (("A.java", content) for *_, content in files))
        run_steps(root, Settings())
        rows = [row for path in sorted((root / "tables/pairs").glob("*.parquet")) for row in iter_rows(path)]
    return {(row["left_blob_id"], row["right_blob_id"]): (row["sameness"], row["jaccard"]) for row in rows}


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _joined(classes: list[str]) -> float:
    return sum(name != "none" for name in classes) / max(1, len(classes))


def _each(classes: list[str]) -> dict[str, float]:
    return {name: classes.count(name) for name in sorted(set(classes))}


def main() -> None:
    """Measure and report, if the data set can be had."""
    found = labelled_metrics()
    if found:
        report("dedup_labelled", found)


if __name__ == "__main__":
    main()

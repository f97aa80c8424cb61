"""Prints: all that deduplication keeps of a content, so that the text is not needed to find what is like it.

In: texts and the styles of their comments. Out: an Arrow table with a row for each, in the same order: the signature,
the digests of both normal forms, a sample of the code's shingles, and marks of all of them. 45 MB/s of source on one
core (8 MB of real code in pieces of 2 kB, CPU time): of 44 us for a piece, 23 are for the forms and their digests, 11
for both sets of shingles, 4 for the signature.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gleanery.dedup import containment
from gleanery.dedup.marks import BINS, marks_of
from gleanery.dedup.normal_form import VERSION, forms
from gleanery.dedup.signatures import Parameters, shingle_sets, sign_sets
from gleanery.dedup.texts import Texts

SCHEMA = pa.schema(
    [
        ("parameters", pa.string()),
        ("style", pa.string()),
        ("shingles", pa.int64()),
        ("signature", pa.large_binary()),
        ("code_shingles", pa.int64()),
        ("code_words", pa.int64()),
        ("normal_form", pa.binary()),
        ("renamed_form", pa.binary()),
        ("sample", pa.large_binary()),
        ("marks", pa.large_binary()),
    ]
)
_NUMBER = re.compile(r"(\w+)=([0-9]{1,9})(?![0-9.])")


def label(parameters: Parameters) -> str:
    """Everything that a print depends on, in one line. Only prints with equal labels may be compared."""
    return f"{parameters.label} forms={VERSION} sample={containment.SCALE}/{containment.LEAST_SHINGLES} marks={BINS}"


def parameters_of(text: str) -> Parameters | None:
    """The parameters of a label that this version of the program could have written.

    >>> parameters_of(label(Parameters(permutations=64))), parameters_of("shingle=5")
    (Parameters(permutations=64, shingle_tokens=5, seed=1), None)
    """
    numbers = dict(_NUMBER.findall(text))
    if not numbers.keys() >= {"permutations", "shingle", "seed"}:
        return None
    found = Parameters(int(numbers["permutations"]), int(numbers["shingle"]), int(numbers["seed"]))
    return found if label(found) == text else None


def prints(texts: Texts, styles: Sequence[str], parameters: Parameters) -> pa.Table:
    """A row of `SCHEMA` for each text. `styles`: keys of `normal_form.STYLES`. Give some MB at once.

    A text that is too short for a shingle has an empty signature: it is like no other but its exact copies.
    """
    found = forms(texts, styles)
    whole, code = shingle_sets(texts, parameters), shingle_sets(found.code, parameters)
    signatures = sign_sets(whole, parameters).astype("<u4", copy=False)
    long_enough = whole.sizes > 0
    samples, ends = containment.samples(code)
    marks = marks_of(code, found.normal)
    marked: NDArray[np.int64] = np.where(marks.any(axis=1), BINS, 0).astype(np.int64)
    columns = [
        pa.array([label(parameters)] * len(texts), pa.string()),
        pa.array(styles, pa.string()),
        pa.array(whole.sizes),
        _bytes(signatures[long_enough], signatures.itemsize * parameters.permutations * long_enough),
        pa.array(code.sizes),
        pa.array(found.words),
        pa.array(found.normal, pa.binary()),
        pa.array(found.renamed, pa.binary()),
        _bytes(samples.astype("<u8", copy=False), samples.itemsize * np.diff(ends)),
        _bytes(marks[marked > 0], marked),
    ]
    return pa.table(columns, schema=SCHEMA)


def _bytes(values: NDArray[Any], sizes: NDArray[np.int64]) -> pa.Array:
    """A column of bytes: row i has the next `sizes[i]` bytes of some values."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), buffers)

"""Prints: all that deduplication keeps of a content, so that the text is not needed to find what is like it.

In: texts and the styles of their comments. Out: an Arrow table with a row for each, in the same order: the signature,
the digests of both normal forms, and a sample of the code's shingles. 57 MB/s of source on one core (8 MB of real
code in pieces of 2 kB, CPU time): of 36 us for a piece, 15 are for the forms and their digests, 11 for both sets of
shingles, 4 for the signature.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gleanery.dedup import containment
from gleanery.dedup.normal_form import VERSION, forms
from gleanery.dedup.signatures import Parameters, ShingleSets, shingle_sets, sign_sets
from gleanery.dedup.texts import Texts

SCHEMA = pa.schema(
    [
        ("parameters", pa.string()),
        ("style", pa.string()),
        ("shingles", pa.int64()),
        ("signature", pa.large_binary()),
        ("code_shingles", pa.int64()),
        ("normal_form", pa.binary()),
        ("renamed_form", pa.binary()),
        ("sample", pa.large_binary()),
    ]
)


def label(parameters: Parameters) -> str:
    """Everything that a print depends on, in one line. Only prints with equal labels may be compared."""
    return f"{parameters.label} forms={VERSION} sample={containment.SCALE}/{containment.LEAST_SHINGLES}"


def prints(texts: Texts, styles: Sequence[str], parameters: Parameters) -> pa.Table:
    """A row of `SCHEMA` for each text. `styles`: keys of `normal_form.STYLES`. Give some MB at once.

    A text that is too short for a shingle has an empty signature: it is like no other but its exact copies.
    """
    found = forms(texts, styles, parameters.shingle_tokens)
    whole, code = shingle_sets(texts, parameters), shingle_sets(found.code, parameters)
    signatures = sign_sets(whole, parameters).astype("<u4", copy=False)
    long_enough = (whole.sizes > 0).tolist()
    columns = [
        [label(parameters)] * len(texts),
        list(styles),
        whole.sizes,
        [row.tobytes() if there else b"" for row, there in zip(signatures, long_enough, strict=True)],
        code.sizes,
        found.normal,
        found.renamed,
        _samples(code),
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _samples(sets: ShingleSets) -> list[bytes]:
    few = sets.values < np.uint64((1 << 64) // containment.SCALE)  # only these need sorting
    values, before = sets.values[few], np.concatenate([[0], np.cumsum(few)])
    starts = before[sets.offsets].tolist()
    rows = (np.sort(values[a:b]) for a, b in zip(starts, starts[1:], strict=False))
    large = (sets.sizes >= containment.LEAST_SHINGLES).tolist()
    return [row.astype("<u8", copy=False).tobytes() if wide else b"" for row, wide in zip(rows, large, strict=True)]

"""MinHash signatures: a text as 256 numbers, of which two similar texts share a like part.

In: text. Out: the hashes of its shingles, and its signature. A signature is bit for bit what datasketch 2 computes with
its affine32 scheme from the same shingle hashes, so it can be put into any of datasketch's indexes.

`sign_texts` reads 246 MB/s of source on one core (median of 7 rounds of 1.5 MB of real files, CPU time): six sevenths
for tokens and shingles, one seventh for the 256 minima.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

from gleanery.dedup import characters, kernels
from gleanery.dedup.texts import Texts, joined_texts

SCHEME = "affine32"
BLOCK_CHARACTERS = 4 << 20


@dataclass(frozen=True)
class Parameters:
    """What a signature depends on.

    `permutations`: numbers in a signature. More of them estimate similarity better (the standard error is
    sqrt(J (1 - J) / permutations), 0.029 at J = 0.7 and 256) and cost time in proportion.
    `shingle_tokens`: tokens in a shingle. More of them make texts look less alike; fewer make common phrases look like
    copies. A text with fewer tokens has no shingles and is never a near duplicate.
    `seed`: choice of permutations, 0 to 2^32 - 1.
    """

    permutations: int = 256
    shingle_tokens: int = 5
    seed: int = 1

    def __post_init__(self) -> None:
        if self.permutations < 1 or self.shingle_tokens < 1:
            raise ValueError("permutations and shingle_tokens must be 1 or more")
        if not 0 <= self.seed < 1 << 32:
            raise ValueError("seed must be from 0 to 2^32 - 1")

    @property
    def label(self) -> str:
        """Everything that a signature depends on, in one line. Only signatures with equal labels may be compared."""
        return (
            f"tokens={characters.LABEL} shingle={self.shingle_tokens} hash=fnv1a64-mix64-1"
            f" scheme=datasketch-{SCHEME} seed={self.seed} permutations={self.permutations}"
        )


@dataclass(frozen=True)
class ShingleSets:
    """The distinct shingle hashes of some texts: text i has `values[offsets[i]:offsets[i + 1]]`, in order of sight."""

    values: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of distinct shingles of each text; 0 if it is too short for one."""
        return np.diff(self.offsets)

    def sizes_of(self, texts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of distinct shingles of some of the texts."""
        return self.offsets[texts + 1] - self.offsets[texts]


def shingle_sets(texts: Texts, parameters: Parameters) -> ShingleSets:
    """The shingles of some texts at once, 64 bits each, with no Python object for any of them.

    A shingle is `shingle_tokens` tokens in a row; `characters` has the rule for tokens. Verification compares all 64
    bits. The affine32 scheme takes 32-bit input, so a signature uses the lower half of each. Memory: 4 times the text
    while it runs, then 8 bytes for a shingle.
    """
    classes = characters.classes_for(ascii_only=texts.ascii)
    offsets = kernels.readonly(texts.offsets)
    return ShingleSets(
        *kernels.shingles_of_all(
            kernels.readonly(texts.data), offsets, classes, parameters.shingle_tokens, kernels.SECRET
        )
    )


def shingle_hashes(text: str, parameters: Parameters) -> NDArray[np.uint64]:
    """The shingles of one text, sorted; empty if it is too short for one.

    >>> parameters = Parameters()
    >>> shingle_hashes("one two three four", parameters).size
    0
    >>> a = shingle_hashes("if x:\\n    return one + two + three", parameters)
    >>> b = shingle_hashes("if x: return one+two+three", parameters)
    >>> a.size, bool((a == b).all())
    (2, True)
    """
    return np.sort(shingle_sets(joined_texts([text]), parameters).values)


def sign(hashes: NDArray[np.uint64], parameters: Parameters) -> NDArray[np.uint32]:
    """The signature of a set of shingle hashes: uint32, one for each permutation.

    Equal to `datasketch.MinHash(permutations, seed, scheme="affine32", hashfunc=low32)` after an update with each hash.
    As there, no hashes at all give the largest number everywhere; `sign_texts` stores nothing for such a text.
    """
    signature: NDArray[np.uint32] = sign_sets(ShingleSets(hashes, np.array([0, hashes.size])), parameters)[0]
    return signature


def sign_sets(sets: ShingleSets, parameters: Parameters) -> NDArray[np.uint32]:
    """The signatures of some sets of shingles: uint32[n, permutations]."""
    factors, addends = _permutations(parameters.permutations, parameters.seed)
    values, offsets = kernels.readonly(sets.values), kernels.readonly(sets.offsets)
    signatures: NDArray[np.uint32] = kernels.minima_of_all(values, offsets, factors, addends)
    return signatures


def sign_texts(texts: Sequence[str], parameters: Parameters) -> list[tuple[int, bytes]]:
    """For each text, the number of its distinct shingles and its signature as little-endian bytes.

    A text that is too short for a shingle gives `(0, b"")`: it must not meet others in a band. A call works through
    blocks of `BLOCK_CHARACTERS`, so its memory is bounded, but for a longer single text.
    """
    found: list[tuple[int, bytes]] = []
    for block in _blocks(texts):
        sets = shingle_sets(joined_texts(block), parameters)
        rows = sign_sets(sets, parameters).astype("<u4", copy=False)
        found += [(n, row.tobytes() if n else b"") for n, row in zip(sets.sizes.tolist(), rows, strict=True)]
    return found


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    first, size = 0, 0
    for i, text in enumerate(texts):
        if size and size + len(text) > BLOCK_CHARACTERS:
            yield texts[first:i]
            first, size = i, 0
        size += len(text)
    if texts:
        yield texts[first:]


def read_signatures(signatures: Sequence[bytes], parameters: Parameters) -> NDArray[np.uint32]:
    """Stored signatures as one array, uint32[n, permutations]. Raises ValueError if one has another length."""
    width = 4 * parameters.permutations
    if any(len(signature) != width for signature in signatures):
        raise ValueError(f"a signature is not {width} bytes long; was it made with other parameters, or is it empty?")
    return np.frombuffer(b"".join(signatures), "<u4").reshape(len(signatures), parameters.permutations)


def as_minhash(signature: bytes, parameters: Parameters) -> MinHash:
    """A stored signature as datasketch's own object, for its MinHashLSH and other indexes.

    Updating the object further takes shingle hashes: `update(int(h))`. Raises ValueError for an empty signature.
    """
    return MinHash(
        seed=parameters.seed,
        hashfunc=low32,
        hashvalues=read_signatures([signature], parameters)[0],
        permutations=_permutations(parameters.permutations, parameters.seed),
        scheme=SCHEME,
    )


def empty_index(parameters: Parameters, bands: int, rows: int) -> MinHashLSH:
    """datasketch's own index, cut as Gleanery cuts, for objects of `as_minhash`."""
    return MinHashLSH(num_perm=parameters.permutations, params=(bands, rows))


def low32(shingle_hash: int) -> int:
    """The half of a shingle hash that the affine32 scheme takes.

    >>> low32(0x1234567800000009)
    9
    """
    return shingle_hash & 0xFFFFFFFF


@functools.lru_cache(maxsize=8)
def _permutations(permutations: int, seed: int) -> NDArray[np.uint32]:
    # datasketch's own arrays: whatever it derives from the seed, both sides use the same.
    arrays: NDArray[np.uint32] = MinHash(num_perm=permutations, seed=seed, scheme=SCHEME).permutations
    return kernels.readonly(np.ascontiguousarray(arrays))

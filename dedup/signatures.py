"""MinHash signatures: a text as 256 numbers, of which two similar texts share a like part.

In: text. Out: the hashes of its shingles, and its signature. A signature is bit for bit what datasketch 2 computes with
its affine32 scheme from the same shingle hashes, so it can be put into any of datasketch's indexes.

`sign_texts` reads 80 to 120 MB/s on one core (6,000 files of Python, C and JavaScript, 87 MB; CPU time). The 256 minima
take 14 ns for each shingle, a seventh of it; splitting, hashing and sorting take the rest.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from gleanery.dedup import characters, kernels

SCHEME = "affine32"


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


def shingle_hashes(text: str, parameters: Parameters) -> NDArray[np.uint64]:
    """The hashes of all shingles of `text`: 64 bits each, sorted, each value once; empty if it is too short for one.

    A shingle is `shingle_tokens` tokens in a row; `characters` has the rule for tokens. Verification compares all 64
    bits. The affine32 scheme takes 32-bit input, so `sign` uses the lower half of each.

    >>> parameters = Parameters()
    >>> shingle_hashes("one two three four", parameters).size
    0
    >>> a = shingle_hashes("if x:\\n    return one + two + three", parameters)
    >>> b = shingle_hashes("if x: return one+two+three", parameters)
    >>> a.size, bool((a == b).all())
    (2, True)
    """
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    tokens = np.empty(data.size // 2 + 1, np.uint64)
    count = kernels.token_hashes(data, characters.classes_for(text), tokens)
    hashes = kernels.shingles_of(tokens[:count], parameters.shingle_tokens)
    hashes.sort()
    return hashes[np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))]


def sign(hashes: NDArray[np.uint64], parameters: Parameters) -> NDArray[np.uint32]:
    """The signature of a set of shingle hashes: uint32, one for each permutation.

    Equal to `datasketch.MinHash(permutations, seed, scheme="affine32", hashfunc=low32)` after an update with each hash.
    As there, no hashes at all give the largest number everywhere; `sign_texts` stores nothing for such a text.
    """
    factors, offsets = _permutations(parameters.permutations, parameters.seed)
    return kernels.minima(kernels.readonly(hashes), factors, offsets)


def sign_texts(texts: Sequence[str], parameters: Parameters) -> list[tuple[int, bytes]]:
    """For each text, the number of its distinct shingles and its signature as little-endian bytes.

    A text that is too short for a shingle gives `(0, b"")`: it must not meet others in a band.
    """
    found = (shingle_hashes(text, parameters) for text in texts)
    return [(h.size, sign(h, parameters).astype("<u4", copy=False).tobytes() if h.size else b"") for h in found]


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

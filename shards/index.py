"""The index: where each document lies, as plain arrays that open without a package.

In: one file for each part, columns one after the other, little-endian: key uint64, repo uint64, tokens uint32, language
uint16 for each document; then documents uint32, bytes uint64 and checksum uint64 for each block. Out: `Index`. Takes
22 bytes on disk for a document and 56 in memory.

A block is a run of whole documents of about BLOCK_BYTES of tokens. Its checksum (XXH3) is over the bytes as they stand
in the token file, so that damage is found before anything is decoded.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.layout import Shard
from gleanery.shards.maps import read_file

# Small enough to stay in a cache while it is decoded and checked; a quarter of it would take 3 % more space.
BLOCK_BYTES = 256 << 10
DOCUMENT_COLUMNS = (("key", "<u8"), ("repo", "<u8"), ("tokens", "<u4"), ("language", "<u2"))
BLOCK_COLUMNS = (("documents", "<u4"), ("bytes", "<u8"), ("checksum", "<u8"))


@dataclass(frozen=True)
class Index:
    """Where each document lies, by ordinal.

    shard     int32, number of its shard
    start     int64, its first token in that shard
    length    int64, its tokens
    key       uint64, the first 64 bits of text_sha256: what its choices in the loader depend on
    repo      uint64, a keyed hash of repo_id
    language  int32, number of its language in `languages`
    block     int64, number of its block, counted through all shards
    """

    shard: NDArray[np.int32]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    key: NDArray[np.uint64]
    repo: NDArray[np.uint64]
    language: NDArray[np.int32]
    block: NDArray[np.int64]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.length)


@dataclass(frozen=True)
class Blocks:
    """Where each block lies.

    shard         int32, number of its shard
    token, count  int64, its first token in that shard, and its tokens
    byte, size    int64, its first byte in the token file, and its bytes there
    checksum      uint64, XXH3 of those bytes
    """

    shard: NDArray[np.int32]
    token: NDArray[np.int64]
    count: NDArray[np.int64]
    byte: NDArray[np.int64]
    size: NDArray[np.int64]
    checksum: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.size)


def write_columns(columns: Sequence[tuple[str, Sequence[Any] | NDArray[Any]]]) -> bytes:
    """Columns of (type, values) one after the other."""
    return b"".join(np.asarray(values, dtype).tobytes() for dtype, values in columns)


def read_columns(content: bytes, counts: Sequence[tuple[str, int]]) -> list[NDArray[Any]]:
    """Columns of (type, number of values) from their bytes. Raises ValueError if there are more or fewer bytes."""
    found, at = [], 0
    for dtype, count in counts:
        size = count * np.dtype(dtype).itemsize
        found.append(np.frombuffer(content[at : at + size], dtype))
        at += size
    if at != len(content):
        raise ValueError("size")
    return found


def read_checked(root: Path, name: str, digest: str) -> bytes:
    """The bytes of a small file of a release. Raises StopRun if it is missing or was changed."""
    content = read_file(root / name, name)
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise StopRun(f"{name} is missing or was changed after it was written", "fetch this file again")
    return content


def read_index(root: Path, shards: Sequence[Shard], width: int, compressed: bool) -> tuple[Index, Blocks]:
    """The index of all shards. Raises StopRun if a file was changed or does not fit `store.json`."""
    names = sorted({name for shard in shards for name in shard.languages})
    documents, blocks, before = [], [], 0
    for number, shard in enumerate(shards):
        content = read_checked(root, shard.index_file, shard.index_sha256)
        try:
            columns, parts = _read_shard(content, shard, number, width, compressed, before, names)
        except (ValueError, IndexError) as error:
            raise StopRun(f"{shard.index_file} does not fit its tokens", "fetch this file again") from error
        documents.append(columns)
        blocks.append(parts)
        before += shard.blocks
    types = (np.int32, np.int64, np.int64, np.uint64, np.uint64, np.int32, np.int64)
    joined: list[Any] = [_joined(column, kind) for column, kind in zip(_columns(documents, 7), types, strict=True)]
    kinds = (np.int32, np.int64, np.int64, np.int64, np.int64, np.uint64)
    placed = [_joined(column, kind) for column, kind in zip(_columns(blocks, 6), kinds, strict=True)]
    return Index(*[*joined, tuple(names)]), Blocks(*placed)


def _columns(parts: Sequence[tuple[NDArray[Any], ...]], count: int) -> list[list[NDArray[Any]]]:
    return [[part[k] for part in parts] for k in range(count)]


def _joined(parts: Sequence[NDArray[Any]], kind: type) -> Any:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind, copy=False)


def _read_shard(
    content: bytes, shard: Shard, number: int, width: int, compressed: bool, before: int, names: Sequence[str]
) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    counts = [(kind, shard.documents) for _, kind in DOCUMENT_COLUMNS]
    counts += [(kind, shard.blocks) for _, kind in BLOCK_COLUMNS]
    key, repo, tokens, language, documents, sizes, checksums = read_columns(content, counts)
    length = tokens.astype(np.int64)
    start = np.cumsum(length) - length
    ends, size = np.cumsum(documents.astype(np.int64)), sizes.astype(np.int64)
    if int(length.sum()) != shard.tokens or int(ends[-1] if len(ends) else 0) != shard.documents:
        raise ValueError("sums")
    if (sizes > shard.bytes).any() or int(size.sum()) != shard.bytes or (documents == 0).any():
        raise ValueError("blocks")
    bounds = np.concatenate([start[ends - documents], [shard.tokens]])
    count = np.diff(bounds)
    if not compressed and (size != count * width).any():
        raise ValueError("block sizes")
    numbers = np.array([names.index(name) for name in shard.languages], np.int32)
    block = np.repeat(np.arange(before, before + shard.blocks), documents)
    shard_of = np.full(len(length), number, np.int32)
    at = (np.full(len(size), number, np.int32), bounds[:-1], count, np.cumsum(size) - size, size, checksums)
    return (shard_of, start, length, key, repo, numbers[language], block), at

"""Ids: stable names for contents, repositories and files.

In: bytes and strings. Out: hexadecimal ids. A `blob_id` is git's own (and Software Heritage's), so it can be looked
up outside; SHA-1 runs at about 1 GB/s here, ten times faster than any other step that reads content.
"""

import hashlib


def blob_id(content: bytes) -> str:
    """The git content id of some bytes, 40 hexadecimal digits.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    digest = hashlib.sha1(b"blob %d\x00" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def repo_id(canonical_url: str) -> str:
    """The id of a repository, 32 hexadecimal digits, from its canonical URL.

    >>> repo_id("https://example.org/a/b")
    '7653df56c79d5148b8a27b2730f7fa19'
    """
    return _digest("repo", canonical_url)


def file_id(repo: str, path: str) -> str:
    """The id of a file, 32 hexadecimal digits, from its repository's id and its path. Stable across releases."""
    return _digest("file", repo, path)


def keyed_hash(key: str, *parts: str) -> int:
    """An unsigned 64-bit number from a key and some strings: the only source of chance in the product."""
    return int(_digest(key, *parts)[:16], 16)


def partition(identifier: str, count: int) -> int:
    """The partition, 0 to count - 1, that a hexadecimal id belongs to. `count` is a power of two.

    Ids are uniform, so their leading bits are a partition. Doubling `count` splits each partition in two.

    >>> partition("ff00000000000000", 4)
    3
    """
    if count & (count - 1) or count < 1:
        raise ValueError(f"count is {count}, not a power of two")
    return int(identifier[:8], 16) >> (32 - (count.bit_length() - 1))


def _digest(*parts: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(raw) + raw)
    return digest.hexdigest()

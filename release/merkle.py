"""A Merkle tree over the files of a release, hashed as in RFC 6962, section 2.1.

In: the leaves, in order. Out: the root. With the root, one file can later be shown to belong to a release without the
others. Costs two SHA-256 of 64 bytes for each leaf and a stack of at most 64 nodes.
"""

import hashlib
from collections.abc import Iterable


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The tree's root, 32 bytes; of no leaves, the hash of nothing.

    >>> root_of([b""]).hex()
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'
    """
    stack: list[tuple[int, bytes]] = []  # complete subtrees from left to right, each with its height
    for leaf in leaves:
        height, node = 0, hashlib.sha256(b"\x00" + leaf).digest()
        while stack and stack[-1][0] == height:
            node = _joined(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
    if not stack:
        return hashlib.sha256(b"").digest()
    node = stack.pop()[1]
    while stack:
        node = _joined(stack.pop()[1], node)
    return node


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()

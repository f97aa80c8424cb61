"""Sharing: loaders of one release in one process hold what opening it takes once.

In: the folder of a release. Out: `Store`, the same object as long as any loader has it open and no file of it has
changed. A release of 8 million documents takes 480 MB of memory when it is opened, and blocks that one loader has
checked or decoded are checked and decoded for all. Costs a look at each file of the release, 5 microseconds for each.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakValueDictionary

from gleanery.records.withdrawal import refuse_withdrawn
from gleanery.shards.layout import STORE_FILE, TOKENIZER_FILE, StoreFile, read_store_file
from gleanery.shards.store import Store

_OPEN: WeakValueDictionary[object, Store] = WeakValueDictionary()


def shared_store(root: Path, scratch: Path | None = None, withdrawn: bool = False) -> Store:
    """As `Store.open`, or the store that somebody else in this process has open."""
    root = Path(root)
    if not withdrawn:
        refuse_withdrawn(root)
    description, content = read_store_file(root)
    release = hashlib.sha256(content).hexdigest()
    seen = tuple(_look_of(root, description))
    key = (root, root.resolve(), None if scratch is None else Path(scratch).resolve(), release, seen)
    store = _OPEN.get(key)
    if store is None:
        store = _OPEN[key] = Store(root, description, release, scratch)
    return store


def _look_of(root: Path, description: StoreFile) -> Iterator[tuple[int, int, int, int] | None]:
    """What changes when a file is written anew or in place: a release that was repaired must be opened anew."""
    names = [STORE_FILE, TOKENIZER_FILE]
    for shard in description.shards:
        names += [shard.tokens_file, shard.docs_file, shard.index_file, shard.names_file, shard.spans_file]
    for name in names:
        try:
            found = (root / name).stat()
        except OSError:  # opening says what is missing
            yield None
        else:
            yield found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

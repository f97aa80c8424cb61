"""The detector: scancode and its index, loaded once. The only module that imports scancode.

In: nothing. Out: the parts of scancode that the modules beside this one use, and the name of the detector with all that
its answers depend on. The index is 1.1 GB in memory and takes 2 to 5 seconds to load; its digest 0.3 to 1 s.
"""

import atexit
import contextlib
import gc
import hashlib
import importlib
import importlib.metadata
import os
import pickle
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gleanery.licensing.candidates import with_quick_choice
from gleanery.licensing.remembered import Store
from gleanery.records.errors import StopRun

# Raise this number when the same text may now give another answer.
SCAN_VERSION = 43


@dataclass(frozen=True)
class Scancode:
    """The parts of scancode that this module uses."""

    cache: Any
    detection: Any
    Query: Any
    index: Any
    licensing: Any
    symbols: dict[str, Any]
    tokens_hash: Any
    passed_over: frozenset[str]


@lru_cache(maxsize=1)
def scancode_parts() -> Scancode:
    """Import scancode and load its index."""
    with _own_folders():
        from licensedcode import cache, detection, match_set
        from licensedcode.match_hash import tokens_hash
        from licensedcode.query import Query
        from licensedcode.stopwords import STOPWORDS

        loaded = cache._LICENSE_CACHE = _loaded(_index_file())
        match_set.compute_candidates = with_quick_choice(match_set.compute_candidates, loaded.index)
    symbols, passed_over = loaded.spdx_symbols, frozenset(STOPWORDS)
    return Scancode(cache, detection, Query, loaded.index, loaded.licensing, symbols, tokens_hash, passed_over)


# A process that is stopped while a thread of an engine imports waits until that folder is gone: a few seconds.
_IMPORTING = threading.RLock()
atexit.register(_IMPORTING.acquire, timeout=30)


@contextlib.contextmanager
def _own_folders() -> Iterator[None]:
    """Where scancode may be imported.

    Its import makes folders in the user's home and in the temporary folder, and leaves them there. It gets a folder of
    our own instead, which goes away again: matching writes nothing.
    """
    names = ("SCANCODE_CACHE", "SCANCODE_TEMP")
    before = {name: os.environ.get(name) for name in names}
    with _IMPORTING, tempfile.TemporaryDirectory(prefix="gleanery-scancode-", ignore_cleanup_errors=True) as folder:
        os.environ.update(dict.fromkeys(names, folder))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _loaded(path: Path) -> Any:
    """The index, without the garbage collector, which doubles the time: millions of objects and none is garbage.

    Not by scancode's own function: where that fails, as for lack of memory, it builds the index anew for minutes,
    writes it over the one that is installed, and tells people to delete it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        with open(path, "rb") as file:
            return pickle.load(file)
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError) as error:
        raise StopRun("The licence index of scancode-toolkit is damaged.", "Install scancode-toolkit again.") from error
    finally:
        if enabled:
            gc.enable()


def _index_file() -> Path:
    """The licence index that came with scancode; StopRun where it is missing, as building one takes minutes."""
    with _own_folders():
        configured = importlib.import_module("scancode_config").licensedcode_cache_dir
    path = Path(str(configured)) / "license_index" / "index_cache"
    if not path.is_file() or not path.stat().st_size:
        raise StopRun("The licence index of scancode-toolkit is missing.", "Install scancode-toolkit again.")
    return path


def detector_name(store: Store | None = None) -> str:
    """Detector, licence list, index and version of this module, without loading the index.

    The digest of the index, 413 MB, costs 0.3 to 1 s; a store keeps it for as long as the file is not touched.
    """
    if store is None:
        return _detector()
    file = _index_file()
    at = file.stat()
    key = f"index {file} {at.st_size} {at.st_mtime_ns} {at.st_ino}"
    digest = store.get(key)
    if not isinstance(digest, str):
        digest = _index_digest()
        store.put({key: digest})
    return _named(digest)


@lru_cache(maxsize=1)
def _detector() -> str:
    return _named(_index_digest())


@lru_cache(maxsize=1)
def _index_digest() -> str:
    with open(_index_file(), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _named(digest: str) -> str:
    version = importlib.metadata.version("scancode-toolkit")
    with _own_folders():
        listed = importlib.import_module("scancode_config").spdx_license_list_version
    return f"scancode-toolkit {version} / SPDX list {listed} / index sha256:{digest} / gleanery-scan {SCAN_VERSION}"

"""The document store, opened for reading: tokens of whole documents, by memory map.

In: the folder of a finished release. Out: `Store`, which gives any document's tokens or text back. Opening reads the
index alone; a document's tokens are a view of the map. Needs numpy, numba and xxhash; a compressed release needs
cramjam and scratch space too, and the table `docs` is read with pyarrow.

Every block is checked when it is touched first. A compressed block is decoded then and kept in a file without a name
(scratch.py), so that memory stays free and everything after is as for a release that is not compressed.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.files import file_digest
from gleanery.records.withdrawal import refuse_withdrawn
from gleanery.shards.addresses import address_of
from gleanery.shards.index import BLOCK_BYTES, Index, read_checked, read_index
from gleanery.shards.layout import STORE_FILE, TOKENIZER_FILE, Shard, StoreFile, read_store_file
from gleanery.shards.maps import mapped_file, refused
from gleanery.shards.names import Names, read_names
from gleanery.shards.payload import is_payload
from gleanery.shards.scratch import Scratch
from gleanery.shards.spans import Spans, read_spans
from gleanery.shards.spelling import Spelling, spelling_of

if TYPE_CHECKING:
    import pyarrow as pa

    from gleanery.shards.tokenizer import Tokenizer

__all__ = ["Index", "Store"]

# Rows in a row group of `docs`; the same as records/parquet.py writes.
ROW_GROUP_ROWS = 65_536
_OF_THREAD = threading.local()


class Store:
    """A finished release. Tokens stay on disk until they are touched.

    description  what `store.json` says
    release      SHA-256 of `store.json`: the release's name among others
    dtype        uint16 or uint32
    docs         where each document lies
    blocks       the blocks that the tokens are checked and decoded by
    payload      for each shard its tokens; touch a document before you read it here
    addresses    uint64[documents], where the first token of each document lies in memory
    """

    @classmethod
    def open(cls, root: Path, scratch: Path | None = None, withdrawn: bool = False) -> "Store":
        """Open the release in a folder. Raises StopRun if something is missing or does not fit together.

        Sizes and the index are checked here; tokens when they are touched. `scratch` is a folder for the tokens of a
        compressed release, 2 or 4 bytes for each that is touched; the system's temporary folder if not given. A release
        that was withdrawn is refused, unless `withdrawn` says that nothing of it will be trained on or passed on.
        """
        root = Path(root)
        if not withdrawn:
            refuse_withdrawn(root)
        description, content = read_store_file(root)
        return cls(root, description, hashlib.sha256(content).hexdigest(), scratch)

    def __init__(self, root: Path, description: StoreFile, release: str, scratch: Path | None = None) -> None:
        self.root, self._folder = root, scratch
        self.description = description
        self.release = release
        self.dtype = np.dtype("<u2" if description.dtype == "uint16" else "<u4")
        self.n_tokens = description.tokens
        compressed = description.compression != "none"
        self.docs, self.blocks = read_index(root, description.shards, self.dtype.itemsize, compressed)
        self.stored = [mapped_file(root / one.tokens_file, one.tokens_file, one.bytes) for one in description.shards]
        if compressed:
            begins = np.cumsum([0, *(shard.tokens for shard in description.shards)]).tolist()
            self._scratch, self._begins = Scratch(begins[-1], self.dtype, scratch), begins
            self.payload = [self._scratch.kept[begin:end] for begin, end in pairwise(begins)]
        else:
            self.payload = [raw.view(self.dtype) for raw in self.stored]
        bases = np.array([address_of(array) for array in self.payload] or [0], np.uint64)
        self.addresses = bases[self.docs.shard] + self.docs.start.astype(np.uint64) * np.uint64(self.dtype.itemsize)
        self.touched = np.zeros(len(self.blocks), np.uint8)
        self.untouched = len(self.blocks)
        self._compared = set[Path]()

    def __len__(self) -> int:
        return len(self.docs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles open the release anew: addresses are good in one process, as long as what they name."""
        return type(self), (self.root, self.description, self.release, self._folder)

    def tokens(self, ordinal: int) -> NDArray[Any]:
        """The tokens of a document, a read-only view of the map. Raises IndexError for an ordinal out of range."""
        if not 0 <= ordinal < len(self.docs):
            raise IndexError(f"document {ordinal} of {len(self.docs)}")
        block = int(self.docs.block[ordinal])
        if not self.touched[block]:
            self.touch(block)
        start = int(self.docs.start[ordinal])
        shard: NDArray[Any] = self.payload[self.docs.shard[ordinal]]
        return shard[start : start + int(self.docs.length[ordinal])]

    def stream(self, ordinals: Iterable[int]) -> Iterator[NDArray[Any]]:
        """The tokens of some documents, one after the other. For reading much of a release once.

        Each block is checked and decoded as its documents come, and kept nowhere: no scratch space is taken. So give
        the documents of a block together. Raises StopRun as `touch` does.
        """
        held, tokens = -1, np.empty(0, self.dtype)
        for ordinal in ordinals:
            if (block := int(self.docs.block[ordinal])) != held:
                held, tokens = block, self._checked(block)
                if self.description.compression != "none":
                    tokens = tokens.copy()  # whoever reads may have the thread decode another block meanwhile
            begin = int(self.docs.start[ordinal]) - int(self.blocks.token[block])
            yield tokens[begin : begin + int(self.docs.length[ordinal])]

    def documents_of(self, shard: int) -> slice:
        """The ordinals of the documents of a shard."""
        counts = [one.documents for one in self.description.shards[: shard + 1]]
        return slice(sum(counts[:-1]), sum(counts))

    def touch(self, *blocks: int) -> None:
        """Check blocks, and keep what was decoded if they are compressed.

        Raises StopRun, naming the shard, if one is damaged or holds a control token.
        """
        for block in blocks:
            tokens = self._checked(block)
            if self.description.compression != "none":
                self._scratch.keep(self._begins[self.blocks.shard[block]] + int(self.blocks.token[block]), tokens)
            self.touched[block] = 1
        if blocks:
            # Counted anew, since two threads may touch one block, and none may be thought to be touched that is not.
            self.untouched = len(self.touched) - int(np.count_nonzero(self.touched))

    def _checked(self, block: int) -> NDArray[Any]:
        """The tokens of a block, checked and decoded now; good until the thread checks another. Raises StopRun."""
        shard, byte, size = int(self.blocks.shard[block]), int(self.blocks.byte[block]), int(self.blocks.size[block])
        name = self.description.shards[shard].tokens_file
        stored = self.stored[shard][byte : byte + size]
        if xxhash.xxh3_64_intdigest(stored.data) != int(self.blocks.checksum[block]):
            raise StopRun(f"block {block} of {name} was changed after it was written", "fetch this file again")
        token, count = int(self.blocks.token[block]), int(self.blocks.count[block])
        if self.description.compression == "none":
            tokens = self.payload[shard][token : token + count]
        else:
            tokens = self._decoded(stored, count, name)
        if not is_payload(tokens, self.spelling.silent):
            raise StopRun(f"{name} holds a control token", "do not train on this release")
        return tokens

    def scan(self) -> None:
        """Read all that a loader reads: names, spans, the checksum of each block, and no control token among them.

        Holds one block in memory, and what a loader holds. Raises StopRun at the first fault, naming the file.
        """
        _ = self.spans, self.names
        for block in range(len(self.blocks)):
            self._checked(block)

    def _decoded(self, stored: NDArray[np.uint8], count: int, name: str) -> NDArray[Any]:
        """The tokens of a compressed block, in memory that nobody reads: a decoder writes more than it keeps."""
        import cramjam

        decode = {"lz4": cramjam.lz4.decompress_block_into, "zstd": cramjam.zstd.decompress_into}
        try:
            into = _room(count * self.dtype.itemsize)
            size = decode[self.description.compression](stored.data, into.data)
        except (cramjam.DecompressionError, ValueError) as error:
            raise StopRun(f"{name} cannot be decoded", "fetch this file again") from error
        except MemoryError as error:
            raise StopRun(f"{name} has a block that memory does not hold", "fetch this file again") from error
        if size != into.nbytes:
            raise StopRun(f"{name} has a block of another size", "fetch this file again")
        return into.view(self.dtype)

    def text(self, ordinal: int) -> str:
        """The text of a document, exactly as it was stored."""
        return self.tokenizer.decode(self.tokens(ordinal))

    def document(self, ordinal: int) -> dict[str, Any]:
        """The row of `docs` for one document: file_id, repo, path, license, and so on. Reads one row group."""
        from gleanery.records.parquet import open_parquet  # pyarrow: only who asks for names waits for it

        if not 0 <= ordinal < len(self.docs):
            raise IndexError(f"document {ordinal} of {len(self.docs)}")
        shard = int(self.docs.shard[ordinal])
        row = ordinal - int(np.searchsorted(self.docs.shard, shard))
        with open_parquet(self.docs_file(self.description.shards[shard])) as file:
            group = file.read_row_group(row // ROW_GROUP_ROWS, use_threads=False)
        found: dict[str, Any] = group.slice(row % ROW_GROUP_ROWS, 1).to_pylist()[0]
        return found

    def file_ids(self) -> "pa.ChunkedArray":
        """The file_id of every document, by ordinal."""
        import pyarrow as pa

        from gleanery.records.parquet import read_table

        files = [self.docs_file(shard) for shard in self.description.shards]
        parts = [read_table(file, ["file_id"]).column(0) for file in files]
        return pa.chunked_array([c for part in parts for c in part.chunks], type=pa.string())

    def docs_file(self, shard: Shard) -> Path:
        """The file of `docs` of a shard, compared with its digest when it is touched first.

        A wrong bit in an id would let what somebody wants removed be served, and no reader of Parquet would tell.
        Raises StopRun if it is missing or was changed.
        """
        path = self.root / shard.docs_file
        if path not in self._compared:
            if not path.is_file() or _sha256(path, shard.docs_file) != shard.docs_sha256:
                raise StopRun(f"{shard.docs_file} is missing or was changed after it was written", "fetch it again")
            self._compared.add(path)
        return path

    @cached_property
    def spelling(self) -> Spelling:
        """What the loader knows of the tokenizer. Raises StopRun if it is not the one that `store.json` names."""
        spelling = spelling_of(read_checked(self.root, TOKENIZER_FILE, self.description.tokenizer_sha256))
        if spelling.size != self.description.vocab_size:
            raise StopRun(f"{STORE_FILE} gives another vocabulary than the tokenizer", "fetch the release again")
        if any(spelling.start[i] != spelling.start[i + 1] for _, i in self.description.sentinels.values()):
            raise StopRun(f"{STORE_FILE} gives a control id to a token of text", "fetch the release again")
        return spelling

    @cached_property
    def tokenizer(self) -> "Tokenizer":
        """The release's tokenizer. Raises StopRun if it is not the one that `store.json` names."""
        from gleanery.shards.tokenizer import Tokenizer

        content = read_checked(self.root, TOKENIZER_FILE, self.description.tokenizer_sha256)
        names = {role: name for role, (name, _) in self.description.sentinels.items()}
        tokenizer = Tokenizer.load(content, names)
        ids = {role: i for role, (_, i) in self.description.sentinels.items()}
        if (tokenizer.control_ids, tokenizer.vocab_size) != (ids, self.description.vocab_size):
            raise StopRun(f"{STORE_FILE} gives other control ids than the tokenizer", "fetch the release again")
        return tokenizer

    @cached_property
    def spans(self) -> Spans | None:
        """The spans of all documents, or None if the release was written without."""
        return read_spans(self.root, self.description.shards)

    @cached_property
    def names(self) -> Names:
        """The paths and names of repositories as tokens. Raises StopRun if they do not fit or hold a control token."""
        names = read_names(self.root, self.description.shards, self.docs, self.dtype)
        if not is_payload(names.ids, self.spelling.silent):
            raise StopRun("a name of the release holds a control token", "do not train on this release")
        return names

    def verify(self) -> None:
        """Read every byte: digests of all files, all blocks, and no control token in the payload.

        Raises StopRun at the first fault, naming the file.
        """
        for shard in self.description.shards:
            self._compared.clear()
            self.docs_file(shard)
            if _sha256(self.root / shard.tokens_file, shard.tokens_file) != shard.tokens_sha256:
                raise StopRun(f"{shard.tokens_file} was changed after it was written", "fetch this file again")
        self.scan()


def _room(size: int) -> NDArray[np.uint8]:
    """Bytes to decode into, kept for the life of the thread: a new array for each block costs its pages anew."""
    room: NDArray[np.uint8] | None = getattr(_OF_THREAD, "room", None)
    if room is None or len(room) < size:
        room = _OF_THREAD.room = np.empty(max(size, 2 * BLOCK_BYTES), np.uint8)
    return room[:size]


def _sha256(path: Path, name: str) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise refused(name, error) from error

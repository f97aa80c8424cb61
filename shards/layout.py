"""The layout of a release on disk: names of files, and `store.json`, which says what they hold.

In: the folder of a release. Out: `StoreFile`, checked. Costs one small read. Nothing in `store.json` is trusted: names
must be the ones that this room writes, so a changed file cannot lead outside the folder.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.shards.maps import read_file
from gleanery.shards.tokenizer_file import SENTINELS

FORMAT = "gleanery-shards-3"
# What a release may be compressed with: the codec of pyarrow, and the level that it is written at. Tokens of code take
# 0.32 of their raw size with lz4 and 0.25 with zstd; lz4 is decoded more than twice as fast.
COMPRESSIONS: Mapping[str, tuple[str, int] | None] = {"none": None, "lz4": ("lz4_raw", 12), "zstd": ("zstd", 9)}
STORE_FILE = "store.json"
TOKENIZER_FILE = "tokenizer.json"
MOST_PARTS = 99_999
# Bavarian and others 2022; SPM is their second variant, with prefix and middle encoded apart.
FIM_FORMS = {
    "psm": "<fim_prefix> prefix <fim_suffix> suffix <fim_middle> middle <|endoftext|>",
    "spm": "<fim_prefix> <fim_suffix> suffix <fim_middle> prefix middle <|endoftext|>",
}
# The files of a repository as one segment, as StarCoder2 had them; a file may have a fill-in-the-middle form.
REPOSITORY_FORM = "<repo_name> name <file_sep> path newline file <file_sep> path newline file <|endoftext|>"
_HEX = re.compile(r"[0-9a-f]{64}")


def part_name(part: int, parts: int) -> str:
    """The name that a part's files share.

    >>> part_name(0, 4)
    'part-00000-of-00004'
    """
    if not 0 <= part < parts <= MOST_PARTS:
        raise StopRun(f"part {part} of {parts} does not exist", f"parts are 0 to n - 1, and n is at most {MOST_PARTS}")
    return f"part-{part:05d}-of-{parts:05d}"


def tokens_file(part: int, parts: int) -> str:
    """The token file of a part, from the release's folder."""
    return f"tokens/{part_name(part, parts)}.bin"


def docs_file(part: int, parts: int) -> str:
    """The file with a part's rows of the table `docs`, from the release's folder."""
    return f"docs/{part_name(part, parts)}.parquet"


def index_file(part: int, parts: int) -> str:
    """The file that says where a part's documents lie, from the release's folder."""
    return f"index/{part_name(part, parts)}.bin"


def names_file(part: int, parts: int) -> str:
    """The file with the tokens of a part's paths and names of repositories, from the release's folder."""
    return f"names/{part_name(part, parts)}.bin"


def spans_file(part: int, parts: int) -> str:
    """The file with the spans of a part's documents, from the release's folder."""
    return f"spans/{part_name(part, parts)}.bin"


@dataclass(frozen=True)
class Shard:
    """One part: its files, what they count, and their SHA-256 digests.

    blocks     blocks of whole documents that the token file is made of
    bytes      size of the token file
    languages  the names behind the numbers in the index
    spans      spans in the spans file; 0 if there is none, and then its digest is empty
    """

    tokens_file: str
    docs_file: str
    index_file: str
    names_file: str
    spans_file: str
    documents: int
    tokens: int
    blocks: int
    bytes: int
    spans: int
    languages: tuple[str, ...]
    tokens_sha256: str
    docs_sha256: str
    index_sha256: str
    names_sha256: str
    spans_sha256: str


@dataclass(frozen=True)
class StoreFile:
    """What `store.json` says.

    `sentinels` maps each role to its name and id in the release's tokenizer; `fim_forms` spells the two
    fill-in-the-middle forms by roles, and `repository_form` how whole repositories are served: no one has to guess.
    """

    format: str
    dtype: str
    compression: str
    vocab_size: int
    tokenizer_sha256: str
    pre_tokenizer: str
    fim_cuts: str
    fim_forms: Mapping[str, str]
    repository_form: str
    sentinels: Mapping[str, tuple[str, int]]
    documents: int
    tokens: int
    shards: tuple[Shard, ...]

    def to_json(self) -> bytes:
        """The bytes of `store.json`: sorted keys, no clock, no path of a machine."""
        value = asdict(self)
        value["sentinels"] = {role: {"name": n, "id": i} for role, (n, i) in self.sentinels.items()}
        return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True).encode("ascii") + b"\n"


def read_store_file(root: Path) -> tuple[StoreFile, bytes]:
    """`store.json`, checked, and its bytes. Raises StopRun if it is absent, damaged or of another format."""
    content = read_file(root / STORE_FILE, STORE_FILE)
    if content is None:
        of_run = (root / "release" / STORE_FILE).is_file()
        way_out = f"it is the folder of a run: give {root / 'release'}" if of_run else "give that of a finished release"
        raise StopRun(f"there is no {STORE_FILE} in {root}", way_out)
    try:
        value = json.loads(content)
        if value["format"] != FORMAT:
            raise StopRun(
                f"{STORE_FILE} has another format than {FORMAT}", "install the release of gleanery that wrote it"
            )
        store = _store(value)
        _check(store)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StopRun(f"{STORE_FILE} is damaged", "fetch the release again and verify its manifest") from error
    return store, content


def _store(value: Mapping[str, Any]) -> StoreFile:
    sentinels = {str(role): (str(s["name"]), int(s["id"])) for role, s in value["sentinels"].items()}
    shards = tuple(Shard(**{**shard, "languages": tuple(shard["languages"])}) for shard in value["shards"])
    return StoreFile(**{**value, "sentinels": sentinels, "shards": shards})


def _check(store: StoreFile) -> None:
    parts = len(store.shards)
    for part, shard in enumerate(store.shards):
        _check_shard(shard, part, parts)
    if sum(s.documents for s in store.shards) != store.documents or sum(s.tokens for s in store.shards) != store.tokens:
        raise ValueError("sums")
    if store.dtype not in ("uint16", "uint32") or store.fim_cuts not in ("character", "token"):
        raise ValueError("dtype or fim_cuts")
    if store.dtype == "uint16" and store.vocab_size > 1 << 16:
        raise ValueError("dtype")
    if store.compression not in COMPRESSIONS:
        raise ValueError("compression")
    if not all(0 <= i < store.vocab_size for _, i in store.sentinels.values()) or store.vocab_size > 1 << 31:
        raise ValueError("vocabulary")
    if store.sentinels.keys() != set(SENTINELS):
        raise ValueError("roles")


def _check_shard(shard: Shard, part: int, parts: int) -> None:
    names = [f(part, parts) for f in (tokens_file, docs_file, index_file, names_file, spans_file)]
    if [shard.tokens_file, shard.docs_file, shard.index_file, shard.names_file, shard.spans_file] != names:
        raise ValueError("file names")
    counts = (shard.documents, shard.tokens, shard.blocks, shard.bytes, shard.spans)
    if not all(type(n) is int and n >= 0 for n in counts) or shard.blocks > shard.documents:
        raise ValueError("counts")
    digests = [shard.tokens_sha256, shard.docs_sha256, shard.index_sha256, shard.names_sha256]
    if not all(_HEX.fullmatch(d) for d in [*digests, *([shard.spans_sha256] if shard.spans else [])]):
        raise ValueError("digests")
    if not all(isinstance(name, str) for name in shard.languages):
        raise ValueError("languages")

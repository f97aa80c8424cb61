"""The tables that flow through a run: one frozen definition each, from which the Arrow schema comes.

In: nothing. Out: `TABLES`, a mapping from a table's name to its columns, key and partition. Costs nothing: no file
is touched here. Every row of a run is in one of these tables, and every stage reads some and writes new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

FORMAT_VERSION = "1"


def _list_of(kind: pa.DataType) -> pa.DataType:
    """A list whose items are named as Parquet names them, so that a file gives back the schema that wrote it."""
    return pa.list_(pa.field("element", kind))


_EVIDENCE = pa.struct(
    [
        pa.field(
            "role", pa.string(), nullable=False
        ),  # own_header | reuse | ancestor_file | package_metadata | repository | siblings
        pa.field("path", pa.string(), nullable=False),
        pa.field("blob_id", pa.string(), nullable=False),
        pa.field("expression", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("start_line", pa.int32()),
        pa.field("end_line", pa.int32()),
    ]
)
_CLAIM = pa.struct(
    [
        pa.field("source", pa.string(), nullable=False),  # header | reuse | manifest | readme | registry | above
        pa.field("path", pa.string(), nullable=False),
        pa.field("expression", pa.string()),
    ]
)


@dataclass(frozen=True)
class Column:
    """One column: its name, its Arrow type, what it means, and whether it may be null."""

    name: str
    type: pa.DataType
    meaning: str
    null: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what a row is, the columns that make it unique, and all columns in order."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with the table's name and the format's version as metadata."""
        fields = [pa.field(c.name, c.type, nullable=c.null) for c in self.columns]
        return pa.schema(fields, metadata={"gleanery.table": self.name, "gleanery.format": FORMAT_VERSION})


def _table(name: str, row: str, key: str, *columns: Column) -> Table:
    return Table(name, row, tuple(key.split()), columns)


_S, _I32, _I64, _F = pa.string(), pa.int32(), pa.int64(), pa.float64()

_ALL = (
    _table(
        "repos",
        "one source, read or not",
        "repo_id",
        Column("repo_id", _S, "stable id of the repository, from its canonical URL"),
        Column("name", _S, "owner/name, as people write it; registry packages are pypi/NAME and npm/NAME"),
        Column("kind", _S, "git, archive, pypi or npm"),
        Column("url", _S, "canonical URL or path, without credentials"),
        Column("aliases", _list_of(_S), "other names of the same repository"),
        Column(
            "given_names", _list_of(_S), "those of its names that the settings gave; the others come from its address"
        ),
        Column("version", _S, "commit id, or the version of the release that was read", null=True),
        Column("default_branch", _S, "branch whose tip was read", null=True),
        Column(
            "fork_of",
            _S,
            "name of the repository that this one was forked from",
            null=True,
        ),
        Column("first_commit_at", _I64, "time of the oldest commit that was seen, Unix seconds", null=True),
        Column("declared_license", _S, "what the registry or forge says; the weakest evidence", null=True),
        Column("archive_sha256", _S, "digest of the archive that was read", null=True),
        Column(
            "optout_signal",
            _S,
            "path of an opt-out declaration; after HEAD: on the default branch, where other is read",
            null=True,
        ),
        Column("status", _S, "read, opted_out (nothing was fetched) or failed (see dead_letters)"),
    ),
    _table(
        "files",
        "one entry of one repository, skipped ones included",
        "file_id",
        Column("file_id", _S, "stable id of repository and path"),
        Column("repo_id", _S, "repository"),
        Column("path", _S, "path from the repository's root, with /"),
        Column("blob_id", _S, "git content id; null where the content was not read", null=True),
        Column("mode", _S, "git mode, such as 100644"),
        Column("size", _I64, "bytes"),
        Column("skipped", _S, "reason code if the content was not taken", null=True),
        Column("link", _S, "of a symbolic link, the file of its repository that it leads to", null=True),
    ),
    _table(
        "blobs",
        "one distinct content",
        "blob_id",
        Column("blob_id", _S, "git content id (SHA-1 of the header `blob SIZE` and the bytes)"),
        Column("size", _I64, "bytes"),
        Column("encoding", _S, "utf-8, utf-8-sig, utf-16, another codec as Python names it, or unknown"),
        Column(
            "names",
            _list_of(_S),
            "distinct base names under which it occurs, sorted; at most 64 that name a licence and 64 others",
        ),
        Column("content", pa.large_binary(), "the bytes as crawled"),
    ),
    _table(
        "license_findings",
        "one detection in one blob; a blob without any has one row with the outcome none or unknown",
        "blob_id scope ordinal",
        Column("blob_id", _S, "content"),
        Column("scope", _S, "how it was read: head (source files), whole, readme, or the form of a manifest or record"),
        Column("ordinal", _I32, "0, 1, … in the order of the lines"),
        Column("detector", _S, "detector, version and index digest"),
        Column("outcome", _S, "found, none, mentioned (of something else), changed (in its words), or unknown"),
        Column("expression", _S, "SPDX expression", null=True),
        Column("score", _F, "0 to 100", null=True),
        Column("rule", _S, "the detector's rule or rules", null=True),
        Column("start_line", _I32, "first line, from 1", null=True),
        Column("end_line", _I32, "last line", null=True),
        Column("copyrights", _list_of(_S), "copyright lines, as they stand"),
        Column("paths", _list_of(_S), "files that a record speaks for, or to which a manifest points", null=True),
    ),
    _table(
        "license_conclusions",
        "one file that was read",
        "file_id",
        Column("file_id", _S, "file"),
        Column("expression", _S, "concluded SPDX expression; null where nothing was found", null=True),
        Column("header_expression", _S, "what the file's own head says", null=True),
        Column("directory_expression", _S, "what governs its directory", null=True),
        Column("basis", _S, "own_header, reuse, ancestor_file, package_metadata, repository or none"),
        Column("conflict", pa.bool_(), "header, directory or a weaker source state different licences"),
        Column("uncertain", pa.bool_(), "some evidence could not be read to its end"),
        Column("evidence", _list_of(_EVIDENCE), "each piece of evidence, strongest first"),
        Column("claims", _list_of(_CLAIM), "what weaker sources state beside it, for the policy to weigh", null=True),
    ),
    _table(
        "features",
        "one blob under one base name",
        "blob_id name",
        Column("blob_id", _S, "content"),
        Column("name", _S, "base name, on which language detection depends"),
        Column("detector", _S, "detector and version"),
        Column("language", _S, "language, or null where it is not known", null=True),
        Column("language_type", _S, "programming, data, markup or prose", null=True),
        Column("generated", pa.bool_(), "made by a program"),
        Column("lines", _I64, "lines"),
        Column("longest_line", _I64, "characters in the longest line"),
        Column("mean_line", _F, "mean characters in a line"),
        Column("letter_fraction", _F, "letters that are in no number among all characters but white space, 0 to 1"),
        Column("encoded_fraction", _F, "characters in runs of base64 or hexadecimal, 0 to 1"),
    ),
    _table(
        "benchmark_problems",
        "one problem of a benchmark that the settings name",
        "benchmark problem",
        Column("benchmark", _S, "name of the benchmark"),
        Column("problem", _S, "id of the problem"),
        Column("sha256", _S, "digest of the benchmark's file"),
        Column("words", _I64, "words in a row that make a problem of this benchmark"),
        Column("runs", _I64, "runs of words by which it is looked for; 0 if it cannot be"),
    ),
    _table(
        "benchmark_matches",
        "one problem of a benchmark that stands in a content",
        "blob_id benchmark problem",
        Column("blob_id", _S, "content"),
        Column("benchmark", _S, "name of the benchmark"),
        Column("problem", _S, "id of the problem"),
        Column("start_line", _I64, "first line of the longest stretch of it, from 1"),
        Column("end_line", _I64, "last line"),
        Column("words", _I64, "words in that stretch"),
    ),
    _table(
        "signatures",
        "the print of one blob: what deduplication keeps of it",
        "blob_id",
        Column("blob_id", _S, "content"),
        Column(
            "parameters",
            _S,
            "shingle rule, hash, scheme, seed, permutations, and the versions of forms, sample and marks",
        ),
        Column("style", _S, "what a comment looks like in it, from its names"),
        Column("shingles", _I64, "distinct shingles"),
        Column("signature", pa.large_binary(), "little-endian uint32, one for each permutation; empty if too short"),
        Column("code_shingles", _I64, "distinct shingles without its comments"),
        Column("code_words", _I64, "words and strings without its comments"),
        Column(
            "normal_form",
            pa.binary(),
            "digest of its tokens without comments and white space; empty if no word is left",
        ),
        Column("renamed_form", pa.binary(), "the same with names replaced by their order; empty if it has too few"),
        Column(
            "sample", pa.large_binary(), "the smallest sixteenth of the possible hashes, of its code shingles, uint64"
        ),
        Column("marks", pa.large_binary(), "a byte of the smallest code shingle in each of 256 bins; empty if no code"),
    ),
    _table(
        "pairs",
        "two blobs that may be the same in some way, and how much they are",
        "left_blob_id right_blob_id",
        Column("left_blob_id", _S, "the smaller id"),
        Column("right_blob_id", _S, "the larger id"),
        Column("jaccard", _F, "exact Jaccard similarity of the shingle sets, 0 to 1"),
        Column("containment", _F, "share of the code shingles of the inner blob that the other one has, 0 to 1"),
        Column("inner_blob_id", _S, "the blob with fewer code shingles"),
        Column(
            "shared_code",
            _F,
            "the larger share of the code shingles of one that the other has, in its code or, where that is under half,"
            " anywhere; 1 if both have the same code or none",
        ),
        Column("code_jaccard", _F, "Jaccard similarity of the code shingles; 1 if both have the same code or none"),
        Column("same_normal_form", pa.bool_(), "the same but for comments and white space"),
        Column("same_renamed_form", pa.bool_(), "the same but for comments, white space and names"),
        Column(
            "forms_tell",
            pa.bool_(),
            "half or more of each was read as code, or half of all shingles are shared: else equal forms drop nothing",
        ),
        Column("sameness", _S, "normalised, near, renamed, contained or none"),
        Column("similarity", _F, "the measure of that class: 1, Jaccard, 1, or containment"),
        Column("duplicate", pa.bool_(), "its class drops one of the two, if both could be kept"),
        Column("bars", pa.bool_(), "through its class a restricted or an objecting copy bars the other"),
    ),
    _table(
        "clusters",
        "one blob that is decided together with others",
        "blob_id",
        Column("blob_id", _S, "content"),
        Column("cluster_id", _S, "smallest blob id of the connected component"),
    ),
    _table(
        "decisions",
        "exactly one for every row of files",
        "file_id",
        Column("file_id", _S, "file"),
        Column("repo_id", _S, "repository"),
        Column("path", _S, "path"),
        Column("blob_id", _S, "content", null=True),
        Column("verdict", _S, "kept or rejected"),
        Column("reason", _S, "reason code, see docs/reference/reasons.md"),
        Column("rule", _S, "the rule that decided"),
        Column("rule_version", _S, "version of the policy, detector or registry position behind it"),
        Column("twin_file_id", _S, "the other file, for duplicates, twins and copies", null=True),
        Column("similarity", _F, "Jaccard similarity to the twin; 1 for an exact copy", null=True),
        Column("evidence", _list_of(_S), "what the rule looked at, in plain words"),
        Column(
            "missing",
            _list_of(_S),
            "of a kept file: what its repository lacks by these decisions, as `reason: files`; empty if nothing",
            null=True,
        ),
    ),
    _table(
        "repository_copies",
        "a repository of which half or more stands in another one",
        "repo_id other_repo_id",
        Column("repo_id", _S, "repository"),
        Column("other_repo_id", _S, "the repository in which its contents stand too"),
        Column("contents", _I64, "distinct contents of the first"),
        Column("shared", _I64, "how many of them the other one has: the same, with an equal normal form, or near"),
        Column("share", _F, "shared by contents, 0 to 1"),
    ),
    _table(
        "redactions",
        "one replaced span; the value itself is stored nowhere",
        "file_id ordinal",
        Column("file_id", _S, "file"),
        Column("blob_id", _S, "content"),
        Column("ordinal", _I32, "0, 1, … in the order of the text"),
        Column("entity", _S, "EMAIL, IP_ADDRESS, KEY, PASSWORD, PRIVATE_KEY, NAME or USERNAME"),
        Column("start", _I64, "first character in the original text"),
        Column("end", _I64, "one past the last character in the original text"),
        Column("new_start", _I64, "first character in the redacted text"),
        Column("replacement", _S, "placeholder"),
        Column("detector", _S, "recogniser and version"),
        Column("score", _F, "0 to 1"),
    ),
    _table(
        "documents",
        "the redacted text of one kept file",
        "file_id",
        Column("file_id", _S, "file"),
        Column("repo_id", _S, "repository"),
        Column("repo", _S, "owner/name"),
        Column("path", _S, "path"),
        Column("blob_id", _S, "content before redaction"),
        Column("license", _S, "concluded SPDX expression"),
        Column("language", _S, "language", null=True),
        Column("redactions", _I32, "replaced spans"),
        Column("text_sha256", _S, "digest of the redacted text as UTF-8"),
        Column(
            "missing", _list_of(_S), "what its repository lacks, dead letters too, as `reason: files`; empty if nothing"
        ),
        Column("text", pa.large_string(), "redacted text"),
    ),
    _table(
        "docs",
        "one document in the token store",
        "ordinal",
        Column("ordinal", _I64, "position in the release, from 0"),
        Column("file_id", _S, "file"),
        Column("repo_id", _S, "repository"),
        Column("repo", _S, "owner/name"),
        Column("path", _S, "path"),
        Column("blob_id", _S, "content before redaction"),
        Column("license", _S, "concluded SPDX expression"),
        Column("language", _S, "language", null=True),
        Column("shard", _S, "file of the token store"),
        Column("start", _I64, "first token in the shard"),
        Column("tokens", _I64, "number of tokens"),
        Column("bytes", _I64, "UTF-8 bytes of the redacted text"),
        Column("text_sha256", _S, "digest of the redacted text as UTF-8"),
        Column(
            "ordered_by",
            _S,
            "what put the files of its repository in their order: imports, where any could be read, or path",
        ),
        Column(
            "missing", _list_of(_S), "what its repository lacks, dead letters too, as `reason: files`; empty if nothing"
        ),
    ),
    _table(
        "notices",
        "what goes with one released file",
        "file_id",
        Column("file_id", _S, "file"),
        Column("repo_id", _S, "repository"),
        Column("repo", _S, "owner/name"),
        Column("path", _S, "path"),
        Column("license", _S, "SPDX expression that the file is released under"),
        Column("owed", _list_of(_S), "licences and exceptions in it that ask for their notice with every copy, sorted"),
        Column("copyrights", _list_of(_S), "copyright lines of the file and of what its licence was read from, sorted"),
        Column("texts", _list_of(_S), "texts of its licences, ids of license_texts, sorted"),
        Column("notices", _list_of(_S), "notice files that govern it, ids of license_texts, sorted"),
    ),
    _table(
        "license_texts",
        "one distinct text of a licence or a notice",
        "text_id",
        Column("text_id", _S, "git content id of the text as it stands here; its name in the folder LICENSES"),
        Column("origin", _S, "repository, or licence_list where no repository carries the text"),
        Column(
            "licenses", _list_of(_S), "what was read in it, SPDX expressions, sorted; none for a notice without one"
        ),
        Column("content", pa.large_binary(), "the text, without the copyright lines that stand in notices"),
    ),
    _table(
        "overrides",
        "one decision about a licence that a person made",
        "override_id",
        Column("override_id", _S, "digest of the override, 12 hexadecimal digits; decisions name it in their rule"),
        Column("repository", _S, "the repository it is about, as the person wrote it", null=True),
        Column("path", _S, "folder or file it is about; null for the whole repository", null=True),
        Column("header", _S, "only files whose own head states this expression", null=True),
        Column("blob_id", _S, "the content it is about, wherever it stands", null=True),
        Column("expression", _S, "licence that the person found", null=True),
        Column("verdict", _S, "allow or deny, without asking the policy", null=True),
        Column("by", _S, "the person who answers for it"),
        Column("reason", _S, "why"),
        Column("date", _S, "day of the decision, as 2026-11-22"),
        Column("doubt", _S, "only files that this doubt kept out: the reason code of a decision", null=True),
        Column("folder_says", _S, "with a doubt: only files whose folder states this expression", null=True),
        Column("look_at", _S, "with a doubt: only files of whose evidence this is to be read first", null=True),
    ),
    _table(
        "optout_rules",
        "one standing rule of the registry, as of the run",
        "seq",
        Column("seq", _I64, "position in the append-only registry"),
        Column("scope", _S, "repo, owner or blob"),
        Column("value", _S, "canonical name or id"),
        Column("action", _S, "block or unblock"),
        Column("request_id", _S, "the request behind it", null=True),
    ),
    _table(
        "optout_names",
        "one name by which rules may cover a source, or one source that it was forked from",
        "repo_id relation name has_host",
        Column("repo_id", _S, "the source"),
        Column("relation", _S, "own; origin: it was forked from what bears this name; upstream: from this source"),
        Column("name", _S, "canonical name; without its host if nobody knows that; of upstream the repo_id"),
        Column("has_host", pa.bool_(), "whether the name is whole: rules of all hosts are about one without a host"),
    ),
    _table(
        "dead_letters",
        "something that a stage could not read or did not pass on",
        "id stage",
        Column("id", _S, "repo_id, file_id or blob_id"),
        Column("stage", _S, "stage"),
        Column("error", _S, "class of error, never the input"),
        Column("hint", _S, "what a person can do about it"),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({t.name: t for t in _ALL})

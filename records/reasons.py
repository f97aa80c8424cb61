"""Reason codes: why a file was kept or rejected, in words that a lawyer can read.

In: nothing. Out: `REASONS`, from code to the stage that gives it and one sentence. Each decision row names one code;
`docs/reference/reasons.md` lists them all, and a test compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Reason:
    """One code: the stage that gives it, the verdict it stands for, and the sentence that explains it."""

    code: str
    stage: str
    kept: bool
    sentence: str


_ALL = (
    Reason(
        "kept", "select", True, "Nothing stood against it: licence, owner, quality and duplicates were all checked."
    ),
    Reason("symlink", "crawl", False, "It is a symbolic link, which has no content of its own."),
    Reason("submodule", "crawl", False, "It is a submodule: another repository, to be crawled under its own name."),
    Reason("lfs_pointer", "crawl", False, "It is a Git LFS pointer; the real content is stored elsewhere."),
    Reason("not_a_regular_file", "crawl", False, "It is a device, a pipe, a hard link or another odd archive member."),
    Reason("path_not_safe", "crawl", False, "Its path leaves the repository, is not a valid name, or occurred before."),
    Reason("binary", "crawl", False, "It is not text."),
    Reason("too_large", "crawl", False, "It is larger than the limit crawl.max_file_bytes."),
    Reason("repository_too_large", "crawl", False, "The limits of its repository were used up before it was read."),
    Reason("unreadable", "crawl", False, "Its content could not be read from the source."),
    Reason("empty", "select", False, "It has no content beyond white space."),
    Reason("encoding_unknown", "select", False, "It is not UTF-8, and nothing makes its encoding certain."),
    Reason("owner_opted_out", "select", False, "Its owner said no, by a rule of the registry or in the repository."),
    Reason("copy_of_opted_out", "select", False, "It is a copy of a file whose owner opted out and had it first."),
    Reason("license_missing", "select", False, "No licence was found for it, and no licence means no permission."),
    Reason("license_unknown", "select", False, "A licence is stated that could not be identified with certainty."),
    Reason("license_not_allowed", "select", False, "Its licence is known and the policy does not allow it."),
    Reason(
        "license_conflict", "select", False, "Its header, its directory and what else speaks of it do not all allow it."
    ),
    Reason("restricted_twin", "select", False, "The same content stands elsewhere under a restrictive licence."),
    Reason("vendored", "select", False, "Its path is one for third-party or built code, or for settings of tools."),
    Reason("generated", "select", False, "It was made by a program."),
    Reason("language_not_wanted", "select", False, "Its language is unknown or not among those that were asked for."),
    Reason("lines_too_long", "select", False, "Its longest or its mean line is over the limit: data or minified code."),
    Reason("too_many_lines", "select", False, "It has more lines than the limit."),
    Reason("few_letters", "select", False, "It has too few letters to be code or prose."),
    Reason("encoded_data", "select", False, "It is mostly base64 or hexadecimal data."),
    Reason("benchmark_problem", "select", False, "It holds a problem of a benchmark that the settings name."),
    Reason("exact_duplicate", "select", False, "Another kept file has exactly the same content."),
    Reason("normalised_duplicate", "select", False, "A kept file is the same but for comments and white space."),
    Reason(
        "near_duplicate", "select", False, "Another kept file has nearly the same content, verified by its shingles."
    ),
    Reason("renamed_duplicate", "select", False, "A kept file is the same but for names, comments and white space."),
    Reason("contained_duplicate", "select", False, "It stands inside a longer kept file."),
)

REASONS: Mapping[str, Reason] = MappingProxyType({r.code: r for r in _ALL})

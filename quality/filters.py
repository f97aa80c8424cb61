"""Filters: which files are worth training on.

In: what is known of a file, and limits. Out: `kept` or one reason code of `records.reasons`, with sentences that say
what was compared. No content is read here.

The limits are those of StarCoder2 (arXiv 2402.19173, section 2.1) and so are the exceptions for single languages:
long lines are normal in markup and data, and assembly has few letters. Added are the other formats of prose: a
paragraph is one line in MDX as in Markdown; and tables (CSV, TSV) with as many lines as JSON may have. Letters are
counted among what is not white space: there three tenths are what a quarter of all characters is in common code. Not
taken over: its rule for the visible text of HTML, and its list of names under which a Text file is kept.
"""

from dataclasses import dataclass

from gleanery.quality.metrics import Metrics

_STARCODER = ["HTML", "JSON", "Markdown", "Roff", "Roff Manpage", "SMT", "TeX", "Text", "XML"]
_PROSE = ["AsciiDoc", "Creole", "MDX", "Org", "RDoc", "RMarkdown", "Textile", "Wikitext", "reStructuredText"]
LONG_LINES = frozenset(_STARCODER + _PROSE)
"""Languages in which the mean line does not count, and the longest may have `LONG_LINE_LIMIT` characters: in prose a
paragraph is often one line."""

LONG_LINE_LIMIT = 100_000

DATA_FORMATS = frozenset(["CSV", "Graphviz (DOT)", "JSON", "TSV", "Text", "Web Ontology Language", "YAML"])
"""Languages that are kept only up to `data_max_lines` lines: beyond that they are data rather than configuration."""

FEW_LETTERS = frozenset(["Motorola 68K Assembly", "WebAssembly"])
"""Languages whose files have few letters by nature; the limit on letters does not hold for them."""


@dataclass(frozen=True)
class Limits:
    """What is kept. Each limit is the last value that passes; lengths are characters, fractions are from 0 to 1.

    `languages`: names as enry gives them, empty for all that are known. `types`: language types that are wanted. A file
    of unknown language passes only with `allow_unknown_language`, and then neither list is asked.
    """

    languages: tuple[str, ...] = ()
    allow_unknown_language: bool = False
    types: tuple[str, ...] = ("programming", "markup", "data", "prose")
    max_line: int = 1000
    mean_line: float = 100
    max_lines: int = 100_000
    min_letters: float = 0.3
    max_encoded: float = 0.5
    keep_generated: bool = False
    keep_vendored: bool = False
    data_max_lines: int = 512


def judge(
    language: str | None,
    language_type: str | None,
    generated: bool,
    vendored: bool,
    metrics: Metrics,
    limits: Limits,
) -> tuple[str, tuple[str, ...]]:
    """`kept` or the first reason against the file, and the evidence for it.

    >>> judge("Python", "programming", False, False, Metrics(9, 2000, 300.0, 0.5, 0.0), Limits())
    ('lines_too_long', ('longest line: 2000 characters, limit 1000', 'mean line: 300.0 characters, limit 100'))
    """
    if metrics.lines == 0:
        return "empty", ("there is nothing but white space",)
    if vendored and not limits.keep_vendored:
        return "vendored", ("its path is one for third-party or built code, or for settings of tools",)
    if generated and not limits.keep_generated:
        return "generated", ("its name, its folder, its shape or its first lines say that a program made it",)
    return _unwanted(language, language_type, limits) or _data(language, metrics, limits) or ("kept", ())


_Verdict = tuple[str, tuple[str, ...]]


def _unwanted(language: str | None, language_type: str | None, limits: Limits) -> _Verdict | None:
    if language is None:
        return None if limits.allow_unknown_language else ("language_not_wanted", ("its language is not known",))
    if limits.languages and language not in limits.languages:
        return "language_not_wanted", (f"language: {language}, which was not asked for",)
    if language_type not in limits.types:
        return "language_not_wanted", (f"language: {language}, of the type {language_type}, which is not wanted",)
    return None


def _data(language: str | None, metrics: Metrics, limits: Limits) -> _Verdict | None:
    most = min(limits.max_lines, limits.data_max_lines) if language in DATA_FORMATS else limits.max_lines
    if metrics.lines > most:
        return "too_many_lines", (f"lines: {metrics.lines}, limit {most}",)
    if evidence := _long_lines(language, metrics, limits):
        return "lines_too_long", evidence
    if metrics.encoded_fraction > limits.max_encoded:
        text = f"base64 or hexadecimal: {metrics.encoded_fraction:.4f} of all characters, limit {limits.max_encoded:g}"
        return "encoded_data", (text,)
    if metrics.letter_fraction < limits.min_letters and language not in FEW_LETTERS:
        letters = f"letters: {metrics.letter_fraction:.4f} of all characters that are not white space"
        return "few_letters", (f"{letters}, limit {limits.min_letters:g}",)
    return None


def _long_lines(language: str | None, metrics: Metrics, limits: Limits) -> tuple[str, ...]:
    longest, mean = float(limits.max_line), limits.mean_line
    if language in LONG_LINES:
        longest, mean = max(longest, LONG_LINE_LIMIT), float("inf")
    evidence = []
    if metrics.longest_line > longest:
        evidence.append(f"longest line: {metrics.longest_line} characters, limit {longest:.0f}")
    if metrics.mean_line > mean:
        evidence.append(f"mean line: {metrics.mean_line:.1f} characters, limit {mean:g}")
    return tuple(evidence)

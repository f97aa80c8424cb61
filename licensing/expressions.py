"""SPDX expressions: parse them once, take them apart, put them together again.

In: text such as `MIT OR GPL-2.0-only`. Out: a small tree of our own, or its parts as text. Parsing is done by
`license_expression`, never by looking for words in a string; 30 to 200 µs for an expression that was not seen before,
nothing for one that was. Package registries hand over free text, so every input is treated as hostile: it has a limit
of length and depth, and what cannot be parsed is no expression.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from license_expression import Licensing

# Longer texts are licence texts, not expressions. SPDX documents of the Linux kernel stay under 200 characters.
_LONGEST = 4000
_DEEPEST = 40
_PARSER = Licensing()
# What package registries show for a licence that is one SPDX id beyond doubt. "BSD" or "GPL" alone are not.
_DECLARED = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "isc license": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "the unlicense": "Unlicense",
}
PROPRIETARY = "LicenseRef-scancode-proprietary-license"
# What Perl's own terms offer, and "see LICENSE", which points to a licence and is none.
PERL = "Artistic-1.0-Perl OR GPL-1.0-or-later"
POINTER = "LicenseRef-scancode-unknown-license-reference"
REFERENCES = frozenset((POINTER.lower(), "licenseref-scancode-see-license", "licenseref-scancode-unstated"))
# Words of a licence field that name no licence and yet say that there is no permission.
REFUSALS = {
    "unlicensed": "UNLICENSED",
    "bsl 1.1": "BUSL-1.1",
    "business source license": "BUSL-1.1",
    "commercial": "LicenseRef-scancode-commercial-license",
    "all rights reserved": PROPRIETARY,
    "allrightsreserved": PROPRIETARY,
    "closed source": PROPRIETARY,
    "closed": PROPRIETARY,
    "internal": PROPRIETARY,
    "private": PROPRIETARY,
    "proprietary": PROPRIETARY,
    "restricted": PROPRIETARY,
}
# Names of families, and words that only point to a file: a registry that shows them says nothing beyond the files.
_VAGUE = re.compile(
    r"(?i)(?:the )?(?:(?:new|modified|simplified|revised) )?(?:mit|x11|mit/x11|bsd|apache|asf|asl|psf|zlib|isc|zpl)"
    r"(?:[ -]style)?(?: software)?(?: foundation)?[ -]?(?:licen[sc]e)?|"
    r"(?:see |file:? ?|refer to )?(?:the )?(?:un)?licen[sc]e(?:[ .](?:file|txt|md|rst))?|"
    r"other|unknown|none|noassertion|osi approved"
)


@dataclass(frozen=True)
class Expression:
    """A tree: `word` is AND, OR or ID. An ID may carry the exception that stands after WITH."""

    word: str
    parts: tuple["Expression", ...] = ()
    license: str = ""
    exception: str | None = None

    def __str__(self) -> str:
        if self.word == "ID":
            return self.license if self.exception is None else f"{self.license} WITH {self.exception}"
        return f" {self.word} ".join(str(p) if p.word in ("ID", self.word) else f"({p})" for p in self.parts)

    def leaves(self) -> Iterator["Expression"]:
        """Every ID of the tree, from left to right."""
        if self.word == "ID":
            yield self
        for part in self.parts:
            yield from part.leaves()


@lru_cache(maxsize=16384)
def parse(text: str) -> Expression | None:
    """The expression that a text states, or None if it states none.

    >>> str(parse("mit or (Apache-2.0 AND BSD-3-Clause)"))
    'mit OR (Apache-2.0 AND BSD-3-Clause)'
    >>> parse("MIT AND") is None
    True
    """
    if not text or len(text) > _LONGEST or text.count("(") > _DEEPEST:
        return None
    try:
        return _tree(_PARSER.parse(text), 0)
    except Exception:  # the parser raises a dozen kinds of errors on free text; each means: no expression
        return None


def all_of(texts: Iterable[str]) -> str | None:
    """All of some expressions at once, without repetition and in a fixed order.

    >>> all_of(["MIT", "Apache-2.0 OR BSD-3-Clause", "mit", "MIT AND ISC"])
    '(Apache-2.0 OR BSD-3-Clause) AND ISC AND MIT'
    """
    parts: dict[str, str] = {}
    for text in texts:
        for part in conjuncts(text):
            parts.setdefault(canonical(part), part)
    ordered = [parts[key] for key in sorted(parts)]
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    return " AND ".join(f"({part})" if " OR " in part else part for part in ordered)


def conjuncts(text: str) -> list[str]:
    """The parts that must all be met.

    >>> conjuncts("MIT AND (ISC AND (A OR B))")
    ['MIT', 'ISC', 'A OR B']
    """
    tree = parse(text)
    return [] if tree is None else [str(part) for part in _flat(tree, "AND")]


def alternatives(text: str) -> frozenset[str]:
    """The canonical forms among which one may choose; one alone if there is no choice."""
    tree = parse(text)
    return frozenset() if tree is None else frozenset(canonical(str(part)) for part in _flat(tree, "OR"))


def keys(text: str) -> list[str]:
    """The licence ids of an expression, without exceptions.

    >>> keys("MIT OR GPL-2.0-only WITH Classpath-exception-2.0")
    ['MIT', 'GPL-2.0-only']
    """
    tree = parse(text)
    return [] if tree is None else [leaf.license for leaf in tree.leaves()]


def only_points(text: str) -> bool:
    """Whether an expression names no licence but only says that there is one somewhere; true of no expression too."""
    return all(key.lower() in REFERENCES for key in keys(text))


def canonical(text: str) -> str:
    """One spelling for expressions that say the same: lower case, parts sorted and named once.

    >>> canonical("B or (a AND A)") == canonical("A OR b")
    True
    """
    tree = parse(text)
    return text.lower() if tree is None else _canonical(tree)


def declared(text: str) -> str | None:
    """The expression behind the licence field of a package registry, or None if it names none for certain.

    >>> declared("MIT License"), declared("Apache-2.0 OR MIT"), declared("BSD License"), declared("See LICENSE")
    ('MIT', 'Apache-2.0 OR MIT', None, None)
    >>> declared("Proprietary")
    'LicenseRef-scancode-proprietary-license'
    """
    text = " ".join(text[: _LONGEST + 1].split())
    known = _DECLARED.get(text.lower()) or REFUSALS.get(text.lower().strip(" .!()"))
    if known:
        return known
    tree = parse(text)
    if tree is None or any(" " in leaf.license for leaf in tree.leaves()):
        return None
    return str(tree)


def is_vague(text: str) -> bool:
    """Whether the licence field of a registry leaves it to the files which licence is meant.

    >>> is_vague("BSD License"), is_vague("Acme Enterprise License")
    (True, False)
    """
    return _VAGUE.fullmatch(" ".join(text[:200].split())) is not None


def _tree(node: object, depth: int) -> Expression:
    """Our tree from the parser's; raises ValueError on anything else or anything too deep."""
    if node is None or depth > _DEEPEST:
        raise ValueError("no expression")
    kind = type(node).__name__
    if kind == "LicenseWithExceptionSymbol":
        return Expression("ID", (), str(node.license_symbol.key), str(node.exception_symbol.key))  # type: ignore[attr-defined]
    if kind in ("AND", "OR"):
        return Expression(kind, tuple(_tree(part, depth + 1) for part in node.args))  # type: ignore[attr-defined]
    if kind == "LicenseSymbol":
        return Expression("ID", (), str(node.key))  # type: ignore[attr-defined]
    raise ValueError("no expression")


def _flat(tree: Expression, word: str) -> Iterator[Expression]:
    if tree.word != word:
        yield tree
    else:
        for part in tree.parts:
            yield from _flat(part, word)


def _canonical(tree: Expression) -> str:
    return str(_ordered(tree)).lower()


def _ordered(tree: Expression) -> Expression:
    """The same logic with each part named once and in a fixed order."""
    if tree.word == "ID":
        return tree
    named = {str(leaf).lower(): leaf for part in tree.parts for leaf in _flat(_ordered(part), tree.word)}
    parts = tuple(named[name] for name in sorted(named))
    return parts[0] if len(parts) == 1 else Expression(tree.word, parts)

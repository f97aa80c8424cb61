"""Renamed: languages that enry takes for another one, or does not know by that name.

In: what enry says, the name of a file and its head. Out: the name of the language as enry writes it, or "". Each rule
asks the content too, since names alone are what enry was wrong about. Costs a microsecond for files of other names.
"""

import re2

# A transcript: a command behind two blanks and a dollar, as the tests of Cram, Dune and Mercurial have it. Perl shows
# commands so in its documentation, and has words of its own beside it.
_COMMAND = re2.compile(rb"(?m)^  \$ [^\s]")
_PERL = re2.compile(
    rb"(?m)^(?:use [A-Za-z0-9_:.]+[^\n]*;|my [$@%(]|package [\w:]+;|#![^\n]*(?:perl|raku)|=(?:pod|head[1-4]))"
)
# What a recipe of RPM says of a package, a tag in each line.
_RPM_TAG = re2.compile(rb"(?m)^(Name|Version|Release|Summary|License|Group|Source0?|URL|BuildArch):[ \t]")
_SHADER = re2.compile(rb"(?m)^[ \t]*#[ \t]*version[ \t]+[1-9][0-9]{2}\b")

# How a declaration of Standard ML begins. A file without one is OCaml, which most files of that ending are.
_STANDARD_ML = re2.compile(rb"(?m)^[ \t]*(?:abstype|datatype|fun|functor|infixr?|local|signature|structure|use|val)\b")

_DUNE = frozenset(("dune", "dune-file", "dune-workspace"))
_SHADERS = (".comp", ".mesh", ".rahit", ".rcall", ".rgen", ".rint", ".task")
# What people read first, by names without an ending.
_PROSE = frozenset(("readme", "changelog", "changes", "faq", "hacking", "history", "todo"))


def renamed(language: str, name: str, head: bytes) -> str:
    """The language of a file of which enry says `language`, "" where it knows none.

    >>> renamed("Perl", "a.t", b"Build it:\\n\\n  $ dune build\\n"), renamed("", "a.comp", b"#version 450\\n")
    ('ShellSession', 'GLSL')
    """
    base = name.rpartition("/")[2]
    if base.endswith(".t") and _COMMAND.search(head) and not _PERL.search(head):
        return "ShellSession"
    if language == "Python" and base.endswith(".spec") and len(set(_RPM_TAG.findall(head))) > 2:
        return "RPM Spec"  # that ending has the recipes of PyInstaller too
    if language == "Standard ML" and base.endswith(".ml") and not _STANDARD_ML.search(head):
        return "OCaml"
    if language == "JavaScript" and base.endswith((".ts", ".mts", ".cts")):
        return "TypeScript"  # its first line names the program that runs both
    if language:
        return language
    if base in _DUNE and head.lstrip()[:1] in (b"(", b";"):
        return "Dune"
    if base.endswith(_SHADERS) and _SHADER.search(head):
        return "GLSL"
    return "Text" if base.lower() in _PROSE else ""

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

# Commands of the shell that loads Smalltalk into GemStone, and the sign alone in its line that ends a method.
_TOPAZ = re2.compile(
    rb"(?m)^(?:category: |(?:class)?method: |set (?:compile_env|class)|run$|doit$|expectvalue "
    rb"|removeall(?:class)?methods )"
)
_TOPAZ_END = re2.compile(rb"(?m)^%[ \t\r]*$")
# Statements in the columns that Fortran has for them, and its remarks: what is put into other files has any ending.
_FORTRAN = re2.compile(
    rb"(?im)^ {6,12}(?:integer|real|double precision|character|logical|common|parameter|dimension|subroutine|function"
    rb"|data|include|equivalence)\b[ */(\t]"
)
_FORTRAN_REMARK = re2.compile(rb"(?m)^[Cc*!](?:[^A-Za-z0-9_]|$)")
_INCLUDED = (".inc", ".fnc", ".dlm", ".cmn", ".fcm", ".blk", ".fin")
_PERL_FIRST = re2.compile(rb"\A#![^\n]*\bperl5?(?:[0-9.]*)[ \t\r\n]")
_MATLAB = re2.compile(rb"(?m)\A(?:[ \t]*(?:%[^\n]*)?\r?\n)*[ \t]*(?:function|classdef)\b")
_DIRECTIVES = re2.compile(rb"(?m)^#(?:ifndef|ifdef|define|include)\b[ \t]+[A-Za-z_<\"]")
_QMAKE = re2.compile(rb"(?m)^[ \t]*(?:TEMPLATE|SUBDIRS|QT|CONFIG|TARGET|SOURCES|HEADERS)[ \t]*[+*\-]?=")
# Languages that enry knows by an ending alone which other files have too: tables, results, texts. It is believed only
# where something stands that no file of the language lacks.
_SHOWS = {
    "AL": rb"(?im)^[ \t]*(?:codeunit|(?:table|page|report|enum)(?:extension)?|query|xmlport|interface)[ \t]",
    "BitBake": rb"(?m)^[A-Za-z_][\w:${}.\-]*[ \t]*(?:[?:+.]{0,2}=|\(\))|^(?:inherit|require|include|export)[ \t]",
    "CartoCSS": rb"[{][^{}]*:[^{}]*[}]",
    "Daslang": rb"(?m)^[ \t]*(?:def|struct|class|let|var|require|options|module|enum|variant|typedef)\b",
    "F*": rb"(?m)^[ \t]*(?:module|open|let|val|type|assume)\b",
    "Gerber Image": rb"(?m)^%[A-Z]{2}|^G0[0-9]|D0[0-9][*]|M02[*]",
    "IDL": rb"(?im)^[ \t]*(?:pro|function|module|end|procedure)\b",
    "Max": rb"\"patcher\"|(?m)^(?:max v|#N )",
    "PLSQL": rb"(?i)\b(?:begin|procedure|function|package|declare|create|select|alter|drop|grant|comment|type)\b",
    "Papyrus": rb"(?im)^[ \t]*scriptname\b",
    "Parrot Internal Representation": rb"(?m)^[ \t]*\.(?:sub|namespace|include|end|macro)\b",
    "ReScript": rb"(?m)^[ \t]*(?:let|module|type|open|external|include|@\w+)\b",
    "Roff": rb"(?m)^['.][A-Za-z\\ ]",
    "Standard ML": rb"\b(?:sig|signature|val|fun|structure|datatype)\b",
    "Unified Parallel C": rb"[;{}]",
}
_SHOWN = {language: re2.compile(pattern) for language, pattern in _SHOWS.items()}

_DUNE = frozenset(("dune", "dune-file", "dune-workspace"))
_SHADERS = (".comp", ".mesh", ".rahit", ".rcall", ".rgen", ".rint", ".task")
# What people read first, by names without an ending.
_PROSE = frozenset(("readme", "read.me", "changelog", "changes", "faq", "hacking", "history", "todo"))


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
    if language in ("Raku", "Prolog") and _PERL_FIRST.match(head):
        return "Perl"
    if language == "M" and base.endswith(".m") and _MATLAB.match(head):
        return "MATLAB"
    if base.endswith(".gs") and _TOPAZ.search(head) and _TOPAZ_END.search(head):
        return "Smalltalk"
    if base.lower().endswith(_INCLUDED):
        if len(_FORTRAN.findall(head)) > 1 and _FORTRAN_REMARK.search(head):
            return "Fortran"
        if language == "BitBake" and _DIRECTIVES.search(head):
            return "C"
    if language == "IDL" and base.endswith(".pro") and _QMAKE.search(head):
        return "QMake"
    if language and (language not in _SHOWN or _SHOWN[language].search(head)):
        return language
    if base in _DUNE and head.lstrip()[:1] in (b"(", b";"):
        return "Dune"
    if base.endswith(_SHADERS) and _SHADER.search(head):
        return "GLSL"
    return "Text" if base.lower() in _PROSE else ""

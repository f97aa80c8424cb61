"""Styles of comments: which signs make a comment in the languages that an ending stands for.

In: nothing, or a base name. Out: the marks of each style (`comments`), and the style of a name. The languages are those
that `quality/` tells apart as far as their endings are their own; where several share one, the text tells (`told`).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gleanery.dedup import comments as c

_C, _QUOTES = c.SLASHES | c.BLOCK, c.DOUBLE | c.SINGLE
_SHELL = c.HASH | _QUOTES | c.TRIPLE
_ML = c.PARENTHESES | c.DOUBLE
_LISP = c.SEMICOLON | c.PIPES | c.DOUBLE | c.LONG

# Each style with its marks and its endings.
_STYLES: Mapping[str, tuple[int, str]] = {
    "none": (c.HEAD, ""),
    "slashes": (
        _C | _QUOTES | c.BACKTICK,
        "c h cc cpp cxx c++ hpp hh hxx h++ inl ipp tpp ixx cppm ino pde idl mm go rs v sv svh vh cu cuh glsl hlsl hlsli"
        " frag vert comp geom tesc tese metal wgsl fx fxh cginc shader gdshader compute usf ush zig sol cairo move"
        " proto fbs avdl hx g4 y yy l lex rl peg pegjs"
        " jison jsonc json5 vala vapi as qml re rei res resi prisma nut p4 ck"
        " chpl cypher bal ceylon gv dot tsp circom qs dfy stan pony scad odin jai bicep sc scd axs lsl mligo reach"
        " nc td i swg idc nss sp sma ld lds icl",
    ),
    "slashes, strings of lines": (
        _C | _QUOTES | c.BACKTICK | c.TRIPLE,
        "java kt kts scala sbt swift cs csx groovy gradle gvy dart cue",
    ),
    "script": (_C | _QUOTES | c.BACKTICK | c.PATTERN, "js mjs cjs jsx ts tsx mts cts es6 jsm gs wxs ets"),
    "style sheet": (c.APART_SLASHES | c.BLOCK | _QUOTES, "scss less sass styl wxss"),
    "block": (c.BLOCK | _QUOTES, "css pcss postcss sas"),
    "slashes and pluses": (_C | c.PLUSES | c.DOUBLE | c.BACKTICK, "d di"),
    "slashes and hash": (_C | c.HASH | _QUOTES, "thrift tf tfvars hcl nomad jsonnet libsonnet vcl nix neon"),
    "php": (c.PHP | c.MARKUP, "php phtml php3 php4 php5 php7 phpt"),
    "lisp or c": (c.LISP_OR_C, "cl"),
    "told": (c.TOLD, "m pro inc cls"),
    "hash": (
        _SHELL,
        "py pyi pyx pxd pxi pyw sage smk sh bash zsh fish ksh csh tcsh bats yaml yml toml r awk gawk sed gd ex exs mk"
        " mak am bzl bazel star gn gni ninja pp cr elv nu graphql gql graphqls capnp robot resource feature jq gp"
        " gnuplot plt ebuild eclass spec bb bbclass textproto pbtxt prototxt tcl tk ttl n3 sparql rq io opam dockerfile"
        " containerfile mojo rpy just sls hurl zeek bro crontab make gdb gdbinit janet",
    ),
    "ruby": (_SHELL | c.RUBY, "rb rake gemspec podspec ru thor jbuilder rabl rbi rbs"),
    "perl": (_SHELL | c.PERL, "pl pm t pod psgi raku rakumod pm6 pl6 p6"),
    "powershell": (_SHELL | c.ANGLES, "ps1 psm1 psd1"),
    "julia": (_SHELL | c.EQUALS | c.APOSTROPHE, "jl"),
    "nim": (_SHELL | c.SQUARES, "nim nims nimble"),
    "cmake": (c.HASH | c.BRACKETS | c.DOUBLE | c.LONG, "cmake"),
    "coffee": (_SHELL | c.COFFEE, "coffee _coffee cjsx iced"),
    "dashes": (c.DASHES | c.BLOCK | _QUOTES, "sql psql pgsql plsql pls pks pkb ddl dml hql"),
    "lua": (c.DASHES | c.BRACKETS | _QUOTES, "lua luau rockspec p8 wlua moon"),
    "haskell": (
        c.DASHES | c.DASHED_BRACES | _QUOTES | c.APOSTROPHE,
        "hs lhs hsc chs hs-boot elm purs idr agda dhall cabal curry",
    ),
    "ada": (c.DASHES | _QUOTES | c.APOSTROPHE, "adb ads ada vhd vhdl e gpr asn asn1"),
    "lean": (c.DASHES | c.LEAN | c.DOUBLE, "lean"),
    "applescript": (c.DASHES | c.PARENTHESES | c.DOUBLE, "applescript scpt"),
    "lisp": (_LISP, "lisp lsp asd el clj cljs cljc cljd edn scm ss sld rkt rktl fnl hy wat wast"),
    "assembly": (c.SEMICOLON | _C | c.AT | c.L_PREPROCESSOR | _QUOTES, "asm s nasm a51 masm"),
    "semicolon": (c.SEMICOLON | c.BLOCK | c.DOUBLE, "ll ahk au3 nsi nsh reb rebol red"),
    "settings": (
        c.L_SEMICOLON | c.L_HASH,
        "ini cfg cnf conf desktop service timer socket mount target reg inf editorconfig gitconfig npmrc po pot"
        " gitignore gitattributes gitmodules dockerignore npmignore eslintignore prettierignore env flake8 pylintrc"
        " coveragerc hgrc htaccess rc",
    ),
    "properties": (c.L_HASH | c.L_BANG, "properties prop"),
    "tex": (c.PERCENT, "tex sty ltx dtx ins bbx cbx lbx ps eps bst mkiv mkii"),
    "erlang": (c.PERCENT | _QUOTES, "erl hrl escript xrl yrl"),
    "prolog": (c.PERCENT | c.BLOCK | _QUOTES, "prolog plog yap mzn"),
    "matlab": (c.PERCENT | c.MATLAB | _QUOTES | c.APOSTROPHE, "matlab octave"),
    "ml": (_ML | c.LONG, "ml mli mll mly mlx sml sig fun thy wl wls mathematica nb mt eliom ma m3 i3 mg ig"),
    "forth": (c.FORTH, "fth 4th forth frt"),
    "f sharp": (_ML | c.SLASHES | c.TRIPLE, "fsi fsx"),
    "f sharp or forth": (_ML | c.SLASHES | c.TRIPLE | c.OR_FORTH, "fs"),
    "pascal": (c.PARENTHESES | c.BRACES | c.SLASHES | c.SINGLE, "pas dpr dpk lpr st"),
    "fortran": (c.BANG | _QUOTES, "f90 f95 f03 f08 f18"),
    "old fortran": (c.BANG | c.L_FORTRAN | _QUOTES, "for f77 ftn"),
    "old fortran or forth": (c.BANG | c.L_FORTRAN | _QUOTES | c.OR_FORTH, "f"),
    "basic": (c.TICK | c.DOUBLE, "vb bas vbs frm vba bi brs"),
    "batch": (c.L_REM, "bat cmd"),
    "vim": (c.L_QUOTE, "vim vimrc"),
    "macros": (c.L_DNL | c.HASH, "m4 ac"),
    "texinfo": (c.L_AT_C, "texi texinfo txi"),
    "manual": (c.L_ROFF, "man mdoc roff 1 2 3 4 5 6 7 8 9"),
    "markup": (
        c.MARKUP,
        "html htm xhtml xht xml svg md markdown mkd mdx vue svelte astro xsl xslt xsd wsdl rng csproj vbproj fsproj"
        " vcxproj filters props targets proj config xaml axml axaml nuspec resx plist storyboard xib ui qrc iml fxml"
        " rss atom kml gpx dita tld jelly tmx xlf xliff wxl rdf owl pom launch glade urdf sdf xacro lyx zul erb ejs"
        " rhtml wxml",
    ),
    "markup of a server": (c.MARKUP | c.SERVER, "jsp jspx jspf tag tagx aspx ascx asp master gsp"),
    "templates": (c.MARKUP | c.TEMPLATE, "twig jinja jinja2 j2 njk"),
    "handlebars": (c.MARKUP | c.HANDLEBARS, "hbs handlebars mustache"),
    "razor": (c.MARKUP | c.RAZOR, "cshtml razor vbhtml"),
    "freemarker": (c.MARKUP | c.FREEMARKER, "ftl ftlh"),
    "velocity": (c.MARKUP | c.VELOCITY, "vm vtl"),
}
STYLES: Mapping[str, int] = MappingProxyType({name: marks for name, (marks, _) in _STYLES.items()})
STYLE_NAMES = tuple(sorted(STYLES))
BY_ENDING: Mapping[str, str] = MappingProxyType(
    {ending: style for style, (_, endings) in _STYLES.items() for ending in endings.split()}
)
_NAMES = {
    "hash": "makefile gnumakefile dockerfile containerfile procfile justfile build workspace module"
    " sconstruct sconscript wscript snakefile kconfig kbuild codeowners meson.build meson_options.txt pkgbuild"
    " apkbuild",
    "ruby": "rakefile gemfile vagrantfile podfile fastfile appfile brewfile guardfile berksfile capfile dangerfile",
    "slashes, strings of lines": "jenkinsfile",
    "cmake": "cmakelists.txt",
    "vim": ".vimrc _vimrc",
}
BY_NAME: Mapping[str, str] = MappingProxyType(
    {name: style for style, names in _NAMES.items() for name in names.split()}
)


# What stands behind the name of a file that is a template or a copy of another: `version.py.in`.
BEHIND = r"(?:\.(?:in|orig|svn-base|tmpl|template|dist|sample))+"
_BEHIND = re.compile(BEHIND + r"\Z")


def style_named(name: str) -> str | None:
    """The style that a name or path stands for; None if its comments are not known.

    >>> style_named("lib/tree.hs"), style_named("Makefile"), style_named("notes.txt")
    ('haskell', 'hash', None)
    >>> style_named("src/version.py.in"), style_named("Makefile.in")
    ('hash', 'hash')
    """
    base = _BEHIND.sub("", name.rpartition("/")[2].lower())
    return BY_NAME.get(base) or BY_ENDING.get(base.rpartition(".")[2] if "." in base else "")

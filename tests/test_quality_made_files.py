"""Made files and names that the detector does not know: by their form, with invented contents."""

import pytest

from gleanery.quality.language import detect_language, is_generated, is_vendored
from gleanery.quality.metrics import measure
from gleanery.quality.renamed import renamed

TRANSCRIPT = b"A project without tests is built.\n\n  $ cat > a <<EOF\n  > (name app)\n  > EOF\n  $ build it\n  done\n"


@pytest.mark.parametrize("name", ["test/run.t", "a.t"])
def test_a_transcript_of_commands_is_a_session_of_a_shell(name: str) -> None:
    assert detect_language(name, TRANSCRIPT) == ("ShellSession", "programming")


def test_a_test_in_perl_is_perl_though_it_shows_a_command() -> None:
    content = b"use strict;\nuse Test::More;\n\n=head1 RUN IT\n\n  $ prove a.t\n\n=cut\n\nok(1);\ndone_testing;\n"
    assert detect_language("t/a.t", content)[0] == "Perl"


@pytest.mark.parametrize(
    ("name", "content", "language"),
    [
        ("src/dune", b"(library\n (name parts))\n", "Dune"),
        ("dune-workspace", b"; two contexts\n(lang dune 3.0)\n", "Dune"),
        ("dune", b"sand in the wind\n", None),
        ("shaders/blur.comp", b"#version 450\nvoid main() {}\n", "GLSL"),
        ("shaders/ray.rgen", b"// rays\n#version 460 core\nvoid main() {}\n", "GLSL"),
        ("hal/counter.comp", b"component counter;\npin in bit up;\n", None),
        ("src/gate.ml", b"let y = Gate.z\n", "OCaml"),
        ("src/gate.ml", b"fun gate x = x + 1\nval y = gate 2\n", "Standard ML"),
        ("src/gate.ts", b"#!/usr/bin/env node\nconst gate: number = 1;\n", "TypeScript"),
        ("README", b"Type make.\n", "Text"),
        ("lib/TODO", b"- less\n", "Text"),
        ("lib/parts", b"- less\n", None),
    ],
)
def test_a_name_that_the_detector_does_not_know_is_known_with_its_content(
    name: str, content: bytes, language: str | None
) -> None:
    assert detect_language(name, content)[0] == language


@pytest.mark.parametrize(
    "name", [".cproject", "app/.cproject", "app/App.uvoptx", "app/App.vcxproj.filters", "app/App.vcxproj.user"]
)
def test_what_an_environment_keeps_for_itself_is_generated(name: str) -> None:
    assert is_generated(name, b"<?xml version='1.0'?>\n<a/>\n")


@pytest.mark.parametrize("name", ["App.vcxproj", "App.uvprojx", "app.csproj", "pom.xml"])
def test_a_project_that_people_write_is_not_generated(name: str) -> None:
    assert not is_generated(name, b"<?xml version='1.0'?>\n<a/>\n")


PAGE = (
    "<!DOCTYPE html>\n<html>\n<head>\n{}\n<title>Parts</title>\n</head>\n<body>\n{}\n<p>Bolts.</p>\n</body>\n</html>\n"
)
CLOSED = '<div id="top"><!-- do not remove this div, it is closed by doxygen! -->'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", CLOSED),
        ('<meta name="generator" content="Writer 4.1"/>', ""),
        ("<meta content='Writer 4.1' name='generator'>", ""),
    ],
)
def test_a_page_of_a_manual_is_generated(head: str, body: str) -> None:
    assert is_generated("docs/parts.html", PAGE.format(head, body).encode())


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", ""),
        ("<title>$title</title>", CLOSED),  # the frame that people write for Doxygen
        ('<link href="$relpath^tabs.css"/>', CLOSED),
        ('<meta name="generator" content="{{ site.maker }}">', ""),  # a theme
        ('<meta name="generator" content="Writer">\n<title>{{ page.title }}</title>', ""),
        ('<meta name="generator" content="">', ""),
        ('<meta name="viewport" content="Writer">', ""),
    ],
)
def test_a_page_that_people_write_is_not_generated(head: str, body: str) -> None:
    assert not is_generated("docs/parts.html", PAGE.format(head, body).encode())


@pytest.mark.parametrize(
    "content",
    [
        b'var NAVTREEINDEX0 =\n{\n"a.html":[1],\n"b.html#c":[1,0]\n};\n',
        b'var group__bolts =\n[\n    [ "turn", "group__bolts.html#ga1", null ],\n    [ "hold", "b.html", null ]\n];\n',
        b'var nuts =\n[\n    [ "turn", "nuts.html#ga1", [\n      [ "left", "nuts.html#ga2", null ]\n    ] ]\n];\n',
    ],
)
def test_an_index_of_a_manual_is_generated(content: bytes) -> None:
    assert is_generated("html/a.js", content)
    assert not is_generated("html/a.ts", content)


def test_a_menu_that_people_write_is_not_generated() -> None:
    assert not is_generated("a.js", b'var menu = [\n  ["Home", "index.html"],\n  ["Parts", "parts.html"],\n];\n')


def test_long_names_are_no_encoded_data() -> None:
    name = "theVeryLongNameOfATableThatHoldsTheTranslationsOfAllTheNamesOfEveryProductOfTheShop"
    assert measure(f"table({name}) {{}}\n" * 5).encoded_fraction == 0
    path = "plugins/birchGateTickets/templates/gateTickets/translations/messages/visitorsOfTheZoo"
    assert measure(f"#: {path}.php:12\n" * 5).encoded_fraction == 0
    assert measure("acgtacgttgca" * 40 + "\n").encoded_fraction > 0.9
    letters = "QWxsIHRoZSBiaXRzIHRoYXQgc29tZWJvZHkgbWF5IGhhdmUgd3JpdHRlbiBhbmQgbW9yZSBvZiB0aGVt\n"
    assert measure(letters).encoded_fraction > 0.9


@pytest.mark.parametrize(
    "path", ["js/gates-0.3.0.js", "js/gates2.6.11.js", "css/gates-1.0.0.css", "gates.v2-2.8.1.js", "a/gates.bundle.js"]
)
def test_a_script_under_the_name_of_a_release_is_vendored(path: str) -> None:
    assert is_vendored(path)


@pytest.mark.parametrize("path", ["js/lesson-1.3.js", "js/1.2.3.js", "gates-0.3.0.py", "js/bundle.js", "bundle/a.js"])
def test_a_script_under_another_name_is_not(path: str) -> None:
    assert not is_vendored(path)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("FILES.in", "# DO NOT EDIT! GENERATED AUTOMATICALLY!\n"),
        ("Makefile.in", "# Makefile.in generated by automake 1.15 from Makefile.am.\n# @configure_input@\n"),
        ("birch.h.in", "/* include/birch.h.in.  Generated from configure.ac by autoheader.  */\n"),
        ("oak.h", "/* src/birch.h.  Generated from birch.h.in by configure.  */\n"),
        ("birch.c", "#line 3\n\n/* A lexical scanner generated by flex */\n"),
        ("birch.h", "/*\n * Loader generated by birch 2.0.6 on Thu Aug 22\n */\n"),
        ("birch.c", "/* Generated */\n\n#include <birch.h>\n"),
        (
            "birch.xsl",
            "<?xml version='1.0'?>\n<!-- This stylesheet was created by oak.xsl; do not edit it by hand. -->\n",
        ),
        ("birch.c", "/* Do not edit this file. It is produced from the corresponding .m4 source */\n"),
    ],
)
def test_a_file_that_names_itself_or_its_maker_is_generated(name: str, head: str) -> None:
    assert is_generated(name, (head + "int a;\n" * 20).encode())


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("birch.h.in", "/* This file is automatically generated by the build system */\n#define A @A@\n"),
        ("birch.mustache", "/* This file was automatically generated by birch.mustache. */\n"),
        ("settings.py-tpl", '"""\nGenerated by birch using {{ version }}.\n"""\n'),
        ("birch.m4", "/* Do not edit this file. It is produced from the corresponding .m4 source */\n"),
        ("birch.py", "# Expected values generated by Oak 3.11\n"),
        ("Birch.pod", "=for comment BIRCH.pod is generated from lib/Birch.pod\n"),
        ("birch.md", "Pages of birch.md generated files do not edit\n"),
        ("birch.py", "# Created by Oak.\n# Do not change the order of these lines.\n"),
    ],
)
def test_what_writes_a_mark_into_others_is_not_generated(name: str, head: str) -> None:
    assert not is_generated(name, (head + "int a;\n" * 20).encode())


@pytest.mark.parametrize(
    ("name", "content", "language"),
    [
        ("birch.gs", "! Gates\nset compile_env: 0\ncategory: 'gates'\nmethod: Birch\nopen\n\t^ gate\n%\n", "Smalltalk"),
        ("birch.gs", "function onOpen() {\n  var gate = SpreadsheetApp.getActive();\n}\n", "JavaScript"),
        ("birch.pl", "#!/usr/bin/perl\n\n$size = shift;\n\nif ($size eq '') { die 'gate'; }\n", "Perl"),
        ("birch.m", "function [a, ...\n    b] = birch(x, ...\n    y)\n    % gates\n    a = x;\nend\n", "MATLAB"),
        ("birch.cmn", "C* Gates\nC*\n      INTEGER  igate, jgate\n      COMMON / GATES / igate, jgate\n", "Fortran"),
        ("birch.fnc", "C* Gates\n      LOGICAL  OPEN\n      PARAMETER ( NGATE = 3 )\n", "Fortran"),
        ("birch.pro", "TEMPLATE = subdirs\nSUBDIRS += gates \\\n  oaks\n", "QMake"),
        ("birch.pro", "pro birch, gate\n  print, gate\nend\n", "IDL"),
        ("birch.upc", "GATE 700260 BIRCH/POST  AK US 7130 -15678 4\n" * 9, None),
        (
            "birch.upc",
            "#include <upc.h>\nshared int gate[THREADS];\nint main(void) { return 0; }\n",
            "Unified Parallel C",
        ),
        ("birch.das", 'Attributes {\n    lat {\n        String units "degrees";\n    }\n}\n', None),
        ("birch.das", 'options gen2\n[export]\ndef main {\n    print("gate")\n}\n', "Daslang"),
        ("birch.res", "node type: Element, name: gate\n", None),
        ("birch.ddl", "Filename: gates.h5\nSmall groups (with 0 to 9 links):\n", None),
        ("birch.3", ".TH BIRCH 3\n.SH NAME\nbirch\n", "Roff Manpage"),
        ("Read.me", "\n\n    Gates of the zoo\n", "Text"),
    ],
)
def test_an_ending_that_others_have_too_is_believed_with_the_content(
    name: str, content: str, language: str | None
) -> None:
    assert detect_language(name, content.encode())[0] == language


def test_a_header_with_directives_is_no_recipe_of_bitbake() -> None:
    assert renamed("BitBake", "birch.inc", b"#ifndef BIRCH\n#define BIRCH 5\n#endif\n") == "C"
    assert renamed("BitBake", "birch.inc", b'# define the gates\nSRC_URI = "gates"\n') == "BitBake"

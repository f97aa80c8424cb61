"""What projects say of their licence in their own words, and what only looks as if it were said of them.

All names and texts about owners are invented.
"""

import tomllib
from importlib import resources

import pytest

from gleanery.licensing.changes import loses
from gleanery.licensing.conclude import conclude
from gleanery.licensing.evidence import find, reading_scopes
from gleanery.licensing.known_texts import asks_for_more
from gleanery.licensing.limits import limit_in
from gleanery.licensing.policy import Policy
from gleanery.licensing.scan import Scanner
from gleanery.licensing.statements import FileFacts
from gleanery.licensing.tag_words import with_tag_words
from gleanery.licensing.texts import license_text

POLICY = Policy.load()
SCANNER = Scanner()
OWNED = "Copyright (c) 2020 Ada Roe\n\n"
MIT = f"MIT License\n\n{OWNED}{license_text('MIT')}"
BSD = f"{OWNED}All rights reserved.\n\n{license_text('BSD-3-Clause')}"


def judged(path: str = "a.c", /, **texts: str) -> tuple[str, str | None]:
    """The reason for a file of a repository of these texts, and its expression; `__` in a name is a slash."""
    facts = []
    for name, text in {"a.c": "int a;\n", **{n.replace("__", "/"): t for n, t in texts.items()}}.items():
        found = {s: find(SCANNER, text.encode(), s) for s in reading_scopes(name)}
        whole = next((f for s, f in found.items() if s != "head"), ())
        facts.append(FileFacts(name, name, "0" * 40, whole=whole, head=found.get("head", ())))
    conclusion = next(c for c in conclude(facts, None) if c.file_id == path)
    return POLICY.judge(conclusion).reason, conclusion.expression


def expressions(text: str, scope: str = "whole") -> list[str | None]:
    return [f.expression for f in find(SCANNER, text.encode(), scope) if f.outcome not in ("none", "mentioned")]


@pytest.mark.parametrize(
    "words",
    ("It is dual licensed under the MIT and GPL licenses.", "Dual licensed under the MIT license or the GPL."),
)
def test_a_choice_that_third_parties_offer_is_no_choice_of_the_work(words: str) -> None:
    text = f"{license_text('GPL-3.0-only')}\n\nThird-party licenses\n\nfrob.js\n\n{words}\n"
    assert judged(LICENSE=text)[0] == "license_not_allowed"
    assert judged(LICENSE=f"{words}\n") == ("kept", "MIT OR GPL-1.0-or-later")


def test_the_crown_is_an_owner_and_no_licence() -> None:
    owned = MIT.replace("Ada Roe", "Crown Copyright (Invented Digital Service)")
    assert judged(LICENSE=owned) == ("kept", "MIT")
    assert judged(LICENSE="Crown Copyright 2020\n")[0] == "license_unknown"


def test_a_licence_file_may_be_one_expression() -> None:
    assert expressions("LGPL-2.1-only OR BSD-2-Clause\n") == ["LGPL-2.1-only OR BSD-2-Clause"]
    assert expressions("(MIT AND Zlib) OR GPL-2.0-only WITH Classpath-exception-2.0\n") == [
        "(MIT AND Zlib) OR GPL-2.0-only WITH Classpath-exception-2.0"
    ]
    assert judged(LICENSE="MIT AND Frob-1.0\n")[0] != "kept"


def test_what_stands_above_a_text_in_the_licence_files_of_linux_is_no_licence() -> None:
    above = (
        "Valid-License-Identifier: BSD-3-Clause\nValid-License-Identifier: GPL-2.0-only\n"
        "SPDX-URL: https://spdx.org/licenses/BSD-3-Clause.html\nUsage-Guide:\n"
        "  To use the license put this into a comment:\n    SPDX-License-Identifier: BSD-3-Clause\nLicense-Text:\n\n"
    )
    assert judged(LICENSE=above + BSD) == ("kept", "BSD-3-Clause")


@pytest.mark.parametrize(
    ("words", "expression"),
    (
        ("This software is licensed under a dual BSD and GPL v2 license.\nSee", "BSD-3-Clause OR GPL-2.0-only"),
        ("This library is provided under a dual MIT or Apache-2.0 license. See", "MIT OR Apache-2.0"),
        ("Dual licensed under GNU LGPL 2.1 or Apache License 2.0. See", "LGPL-2.1-only OR Apache-2.0"),
    ),
)
def test_a_dual_licence_is_a_choice_of_what_it_names(words: str, expression: str) -> None:
    head = "/*\n" + "".join(f" * {line}\n" for line in f"{words} LICENSE for all of it.".split("\n")) + " */\n"
    assert judged("b.c", **{"b.c": head}) == ("kept", expression)


def test_a_grant_that_points_to_terms_of_others_is_a_grant() -> None:
    head = """\
module frob {
  description
    "A module.

     Copyright (c) 2018 Invented Trust and the persons identified as
     authors of the code.  All rights reserved.

     Redistribution and use in source and binary forms, with or
     without modification, is permitted pursuant to, and subject to
     the license terms contained in, the Simplified BSD License set
     forth in Section 4.c of the IETF Trust's Legal Provisions
     Relating to IETF Documents.";
"""
    assert judged("b.yang", LICENSE=MIT, **{"b.yang": head}) == ("kept", "BSD-2-Clause")


def test_no_line_of_a_licence_is_lost_because_its_author_stands_below_it() -> None:
    evil = "The Software shall be used for Good, not Evil.\n\nTHE SOFTWARE IS PROVIDED"
    for text, reason in ((MIT, "kept"), (MIT.replace("THE SOFTWARE IS PROVIDED", evil), "license_not_allowed")):
        lines = [line for line in text.removeprefix(f"MIT License\n\n{OWNED}").split("\n") if line.strip()]
        head = "".join(f"# {line}\n" for line in [*lines, "Author: Ada Roe"])
        assert judged("b.py", **{"b.py": f"{head}\nimport os\n"})[0] == reason


@pytest.mark.parametrize(
    ("words", "kept"),
    (
        (
            "If software is modified to produce derivative works, such modified software should be clearly marked, so "
            "as not to confuse it with the version available from Frob.",
            True,
        ),
        ("All modified versions must be plainly marked as such.", True),
        ("All modified versions must be plainly marked as such and sent to us.", False),
        ("Modified software must be marked and may not be sold.", False),
    ),
)
def test_that_changed_versions_say_so_is_asked_by_many_permissive_licences(words: str, kept: bool) -> None:
    text = BSD.replace("Redistribution and use", f"{words}\n\nRedistribution and use", 1)
    assert (judged(LICENSE=text)[0] == "kept") is kept


BY_ENDING = """\
The Frob License is made up of two licenses: MIT and the GNU GENERAL PUBLIC LICENSE.
The firmware of Frob (file extensions .c, .h and .ino) is published under the GPLv3 license. The scripts and all
other parts of this code are published under the MIT license.
"""


def test_a_licence_file_may_tell_files_by_how_their_names_end() -> None:
    text = f"{BY_ENDING}\n{MIT}\n\n## GNU GENERAL PUBLIC LICENSE\n\n{license_text('GPL-3.0-only')}"
    files = {"a.py": "a = 1\n", "src__b.h": "int a;\n"}
    assert judged("a.py", LICENSE=text, **files) == ("kept", "MIT")
    assert judged("a.c", LICENSE=text, **files)[0] == "license_not_allowed"
    assert judged("src/b.h", LICENSE=text, **files)[0] == "license_not_allowed"


@pytest.mark.parametrize(
    "words",
    (
        "Files in the src/frob/ directory are under the GPL. All other files are under the MIT license.",
        "*.c and *.h files are licensed under the GPL. Everything else is under the MIT license.",
    ),
)
def test_the_text_of_a_part_is_not_that_of_the_rest(words: str) -> None:
    text = f"{words}\n\n{license_text('GPL-3.0-only')}\n\n{MIT}"
    assert judged("a.py", LICENSE=text, **{"a.py": "a = 1\n"}) == ("kept", "MIT")
    # Under a condition, or where nothing is said of the rest, all texts of the file hold.
    for other in (words.replace("the MIT license", "the MIT license unless they say so"), words.split(". ")[0] + "."):
        text = f"{other}\n\n{license_text('GPL-3.0-only')}\n\n{MIT}"
        assert judged("a.py", LICENSE=text, **{"a.py": "a = 1\n"})[0] != "kept"


def test_a_licence_file_may_be_called_by_any_id_of_spdx() -> None:
    lgpl = {"LICENSE": "LGPL-2.1-only OR MIT\n", "LICENSE.LGPL-2.1-only": str(license_text("LGPL-2.1-only"))}
    assert judged(**lgpl, **{"LICENSE.MIT": MIT}) == ("kept", "LGPL-2.1-only OR MIT")


def test_a_section_that_only_names_owners_says_nothing_of_a_licence() -> None:
    sections = "\n\nlog.c:\n   Copyright (c) 2000 Bob Roe <bob@forge.example>\n\nheap.c:\n   Copyright (c) 2001 Cy{}\n"
    files = {"log.c": "int a;\n", "heap.c": "int b;\n"}
    assert judged("log.c", LICENSE=BSD + sections.format(""), **files) == ("kept", "BSD-3-Clause")
    reserved = BSD + sections.format(". All rights reserved.")
    assert [judged(name, LICENSE=reserved, **files)[0] for name in files] == ["kept", "license_unknown"]


def test_a_sentence_may_leave_the_licence_of_a_folder_to_the_head_of_each_file() -> None:
    text = f"{MIT}\nLicenses may vary in the hdl/ip directory tree. Please see the individual files for more.\n"
    files = {"hdl__ip__a.c": f"/*\n{MIT}*/\nint a;\n", "hdl__ip__b.c": "int b;\n"}
    assert judged("hdl/ip/a.c", LICENSE=text, **files) == ("kept", "MIT")
    assert judged("hdl/ip/b.c", LICENSE=text, **files)[0] == "license_unknown"


@pytest.mark.parametrize("name", ("README.md", "LICENSE"))
def test_a_list_of_files_under_another_licence_is_about_these_files_only(name: str) -> None:
    listed = (
        "# License\n\nFrob is licensed under the MIT License. However, some scripts have other terms. See below.\n\n"
        "The following parts are licensed under GPL3+:\n\n- [a](src/a.c)\n- `src/b.c`\n"
    )
    files = {"LICENSE": MIT, "src__a.c": "int a;\n", "src__b.c": "int b;\n", "src__c.c": "int c;\n"}
    files[name] = listed if name == "README.md" else f"{MIT}\n{listed}"
    assert [judged(f"src/{n}.c", **files)[0] == "kept" for n in "abc"] == [False, False, True]
    files[name] += "- and whatever else comes from Frobber\n"
    assert judged("src/c.c", **files)[0] != "kept"


@pytest.mark.parametrize(
    ("words", "kept"),
    (
        ("If you use it in an academic work, please cite:", True),
        ("If you use this software in your research, please consider citing our paper.", True),
        ("If you use it in an academic work, you must cite the paper.", False),
        ("It is for academic work. Please cite it.", False),
    ),
)
def test_a_wish_to_be_cited_takes_nothing_away(words: str, kept: bool) -> None:
    assert (judged(LICENSE=f"{BSD}\n\n{words}\n")[0] == "kept") is kept


def test_a_word_that_is_missing_where_something_is_denied_takes_nothing_away() -> None:
    denied, granted = "nor the names of any other contributors may be used", "hereby granted to use it for any purpose"
    assert not loses(denied.split(), 4, 5) and loses(granted.split(), 6, 7)


def test_an_owner_in_the_field_of_a_licence_says_no_more_than_whose_it_is() -> None:
    owned = "[metadata]\nname = frob\nlicense = Copyright Contributors to the Frob Project.\n"
    assert judged(LICENSE=MIT, **{"setup.cfg": owned}) == ("kept", "MIT")
    assert judged(**{"setup.cfg": owned})[0] == "license_unknown"
    kept_back = owned.replace("Contributors to the Frob Project", "Acme Inc, not for others")
    assert judged(LICENSE=MIT, **{"setup.cfg": kept_back})[0] == "license_conflict"


def test_all_that_stands_below_a_heading_about_dependencies_is_of_others() -> None:
    """Where the detector joins what stands above the heading and below it, and a later sentence speaks of them too."""
    text = (license_text("Apache-2.0") or "").split("END OF TERMS")[0].strip()
    name = "Apache License Version 2.0"
    above = f"Frob is licensed under the {name}.\n\nTerms of the {name}:\n{text}\n"
    heading = f"\nOther dependencies and licenses:\n\nOpen Source Software Licensed under the {name}:\n\n"
    gpl, lgpl = license_text("GPL-2.0-only"), license_text("LGPL-3.0-only")
    later = "For the license of other third party components, please refer to this."
    theirs = f"2. frobzip\n\n{gpl}\n\n{later}\n\n{lgpl}\n"
    assert judged(LICENSE=above + heading + theirs) == ("kept", "Apache-2.0")
    assert judged(LICENSE=f"{above}\n{theirs}")[0] == "license_not_allowed"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Unless specifically indicated otherwise in a file, files are licensed under the Apache 2.0 license.", "kept"),
        ("Unless stated otherwise in the header of each file, this code is released under the MIT license.", "kept"),
        ("Unless you bought it, files are licensed under the Apache 2.0 license.", "license_unknown"),
    ],
)
def test_that_files_may_say_otherwise_is_no_condition(words: str, reason: str) -> None:
    assert judged(LICENSE=f"{words}\n")[0] == reason


def test_public_domain_behind_the_name_of_a_folder_is_what_it_is_under() -> None:
    text = f"{MIT}\n----------\n\nlib/frob/ (histogram classes): public domain\nlib/bar.c: public domain or not\n"
    assert judged("lib/frob/a.c", LICENSE=text, **{"lib/frob/a.c": "int a;\n"})[0] == "kept"
    assert judged("lib/bar.c", LICENSE=text, **{"lib/bar.c": "int a;\n"})[0] == "license_unknown"


def test_what_a_product_includes_under_other_free_licences_is_of_others() -> None:
    words = "Open Frob includes source code licensed under additional open source licenses. See the file FROBS.md.\n"
    assert judged(LICENSE=f"{MIT}\n{words}") == ("kept", "MIT")
    head = "/*\n * Frob, Copyright 2020 Ada Roe\n *\n * " + "\n * ".join((license_text("MIT") or "").split("\n"))
    assert judged(LICENSE=MIT, **{"a.c": f"{head}\n *\n * {words} */\nint a;\n"}) == ("kept", "MIT")
    of_file = words.replace("Open Frob", "This file")
    assert judged(LICENSE=MIT, **{"a.c": f"{head}\n *\n * {of_file} */\nint a;\n"})[0] != "kept"


def test_a_notice_of_the_apache_licence_whose_end_was_cut_is_that_notice() -> None:
    head = (
        '// Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file\n'
        "// except in compliance with the License. You may obtain a copy of the License at\n//\n"
        "//     http://www.apache.org/licenses/LICENSE-2.0\n//\n"
        "// unless required by applicable law or agreed to in writing, software distributed under the\n"
        "// license is distributed on license is any kind, either express or implied. see the license for\n"
        "// details.\n"
    )
    assert judged(**{"a.c": head + "int a;\n"}) == ("kept", "Apache-2.0")
    acme = head.replace("the Apache License, Version 2.0", "the Acme Enterprise License")
    acme = acme.replace("apache.org", "acme.no")
    assert judged(**{"a.c": acme + "int a;\n"})[0] != "kept"


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("GPLv2", "GPL-2.0-only"),
        ("LGPL 2.1 or later", "LGPL-2.1-or-later"),
        ("MIT/Apache-2.0", "Apache-2.0 OR MIT"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0"),
        ("Proprietary", "LicenseRef-scancode-proprietary-license"),
        ("MIT Noncommercial", "LicenseRef-gleanery-limited-use"),
        ("MIT Commercial", "LicenseRef-gleanery-tag-not-read"),
        ("MIT\u00a0Acme", "LicenseRef-gleanery-tag-not-read"),
        ("MIT Acme", "LicenseRef-gleanery-tag-not-read"),
        ("Apache-2.0 Commons-Clause", "LicenseRef-gleanery-limited-use"),
        ("FSL-1.1-Apache-2.0", "FSL-1.1-ALv2"),
        ("MIT/Acme License", "LicenseRef-gleanery-tag-not-read"),
        ("MIT OR Acme-1.0", "MIT OR LicenseRef-scancode-unknown-spdx"),
        ("(MIT OR\n *   Apache-2.0)", "MIT OR Apache-2.0"),
        ("BSD-0-Clause", "LicenseRef-scancode-unknown-spdx"),
    ],
)
@pytest.mark.parametrize("scope", ["head", "whole", "readme"])
def test_a_tag_may_hold_the_words_of_a_licence(scope: str, words: str, expression: str) -> None:
    text = f"/*\n * Copyright 2020 Ada Roe\n * SPDX-License-Identifier: {words}\n */\n"
    assert set(expressions(text, scope)) == {expression}


def test_a_tag_that_code_writes_or_that_stands_in_a_sentence_is_left_as_it_is() -> None:
    prose = "- Added SPDX-License-Identifier: MIT headers to all files\n"
    assert [f.outcome for f in find(SCANNER, prose.encode(), "head")] == ["mentioned"]
    for line in ('tag = "SPDX-License-Identifier: MIT Acme"', "- Add SPDX-License-Identifier: MIT to each file"):
        assert with_tag_words(SCANNER, line) == line


def test_a_limit_of_use_in_a_readme_holds_for_files_that_name_their_licence_too() -> None:
    limit = "# Frob\n\n## Disclaimer\n\nThis project is for educational use only and not for commercial purposes.\n"
    texts = {"LICENSE": license_text("Apache-2.0") or "", "a.c": "/* SPDX-License-Identifier: Apache-2.0 */\nint a;\n"}
    assert judged(**texts)[0] == "kept"
    assert judged(**texts, **{"README.md": limit})[0] == "license_conflict"
    assert judged(**{**texts, "a.c": "int a;\n"}, **{"README.md": limit})[0] == "license_conflict"
    gpl = "# Frob\n\n## License\n\nFrob is licensed under the GPL-3.0.\n"  # of two licences the head says which
    assert judged(**texts, **{"README.md": gpl})[0] == "kept"


def test_a_long_licence_that_nobody_knows_may_limit_use() -> None:
    clauses = "\n\n".join(
        f"{n}. Clause. Each licensor gives you a licence to the work on the terms of section {n}." for n in range(1, 16)
    )
    limit = "16. Use. The work may be used for research or evaluation purposes only."
    assert judged(LICENSE=f"Frob Source Code License\n\n{clauses}\n\n{limit}\n")[0] == "license_not_allowed"
    assert judged(LICENSE=f"Frob Source Code License\n\n{clauses}\n")[0] == "license_unknown"


@pytest.mark.parametrize(
    "head",
    [
        "// License: MIT NonCommercial\n",
        "// SPDX-License: MIT Noncommercial\n",
        "// SPDX License Identifier : MIT Noncommercial\n",
        "// Licensed under the Apache-2.0 (noncommercial) license.\n",
        "// SPDX-License-Identifier: MIT\n// Commons Clause applies.\n",
    ],
)
def test_a_licence_with_a_word_that_forbids_business_is_not_that_licence(head: str) -> None:
    assert judged(LICENSE=MIT, **{"a.c": f"{head}int a;\n"})[0] == "license_conflict"
    assert judged(**{"a.c": f"{head}int a;\n"})[0] == "license_not_allowed"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("The code of this project is for academic research only.", False),
        ("This software is released for non-commercial research only.", False),
        ("This project is for research and education only.", False),
        ("This corpus is only for non-commercial research use.", True),
        ("This project is for research and commercial use.", True),
        ("This project is used for evaluation only in our tests.", True),
    ],
)
def test_what_is_for_research_only_is_limited(words: str, kept: bool) -> None:
    found = judged(LICENSE=MIT, **{"README.md": f"# Frob\n\nA tool.\n\n{words}\n"})
    assert (found[0] == "kept") == kept


def test_a_record_that_leaves_no_choice_contradicts_a_manifest_that_offers_one() -> None:
    manifest = "my $builder = Module::Build->new(\n    module_name => 'Frob',\n    license => 'perl',\n);\n"
    record = (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: 2020 Ada Roe\nLicense: {}\n"
    )
    assert judged(**{"Build.PL": manifest})[0] == "kept"
    assert judged(**{"Build.PL": manifest, "debian/copyright": record.format("GPL-3+")})[0] == "license_conflict"
    assert judged(**{"Build.PL": manifest, "debian/copyright": record.format("Artistic or GPL-1+")})[0] == "kept"
    assert judged(**{"Build.PL": manifest, "debian/copyright": record.format("Artistic")})[0] == "kept"
    head = {
        "a.c": "/* This program is free software; you can redistribute it under the same terms as Perl itself. */\n"
    }
    assert judged(**{**head, "Build.PL": manifest, "debian/copyright": record.format("GPL-3+")})[0] == "kept"


POINTS_UP = """
  Copyright by Ada Roe and
               the Frob Group.
  All rights reserved.

  The files and subdirectories in this directory are part of Frob.
  The full Frob copyright notice, including terms governing use,
  modification, and redistribution, is contained in the files COPYING
  and Copyright.html.  COPYING can be found at the root of the source
  code distribution tree.  It can also be found at https://frob.example/.
  If you do not have access to either file, you may request a copy from
  help@frob.example.
"""


def test_a_licence_file_may_point_to_the_one_at_the_root_of_its_distribution() -> None:
    path = "lib/frob/src/io/a.c"
    within = {"lib__frob__src__COPYING": POINTS_UP, "lib__frob__src__io__COPYING": POINTS_UP, path: "int a;\n"}
    assert judged(path, lib__frob__COPYING=BSD, COPYING=f"{license_text('GPL-3.0-only')}", **within) == (
        "kept",
        "BSD-3-Clause",
    )
    assert judged(path, COPYING=f"{license_text('GPL-3.0-only')}", **within)[0] == "license_not_allowed"
    assert judged(path, LICENSE=MIT, **within)[0] == "license_unknown"


def test_third_parties_point_to_no_file_of_the_project() -> None:
    path = "vendor/frob/src/a.c"
    within = {"vendor__frob__src__COPYING": POINTS_UP, path: "int a;\n"}
    assert judged(path, COPYING=MIT, **within)[0] == "license_unknown"
    assert judged(path, vendor__frob__COPYING=MIT, **within) == ("kept", "MIT")


@pytest.mark.parametrize("limit", ("Not for sale.", "It must not be shared.", "You may use it in schools."))
def test_a_file_that_points_to_the_root_and_says_more_is_a_doubt(limit: str) -> None:
    assert (
        judged("src/a.c", COPYING=MIT, src__COPYING=f"{POINTS_UP}\n{limit}\n", **{"src/a.c": "int a;\n"})[0] != "kept"
    )


def test_a_folder_of_libraries_from_elsewhere_inherits_nothing() -> None:
    for folder in ("extlibs", "ext_libs", "external-libs", "ExternalLibraries", "external_dependencies"):
        path = f"{folder}/frob/a.c"
        assert judged(path, LICENSE=MIT, **{path: "int a;\n"})[0] == "license_missing", folder
        licensed = {f"{folder}__frob__LICENSE": BSD, path: "int a;\n"}
        assert judged(path, LICENSE=MIT, **licensed) == ("kept", "BSD-3-Clause")
    assert judged("extlib/a.c", LICENSE=MIT, **{"extlib/a.c": "int a;\n"})[0] == "kept"


def test_what_makers_advise_and_what_has_to_stay_beside_a_licence_takes_nothing_away() -> None:
    advice = (
        "The Frob Group strongly recommends to not make any changes to or modify the source code of this software\n"
    )
    stays = (
        "The following statement applies to those portions of the product and must be retained in any redistribution\n"
    )
    for words in (f"{advice}in order to stay compatible.", f"{stays}of source code, binaries and documentation:"):
        assert judged(LICENSE=f"{words}\n\n{BSD}") == ("kept", "BSD-3-Clause"), words
        assert judged(LICENSE=f"{BSD}\n\n{words}\n") == ("kept", "BSD-3-Clause"), words
    for limit in ("strongly recommends to not copy it and you must not sell it.", "applies to you and must be paid."):
        assert judged(LICENSE=f"The Frob Group {limit}\n\n{BSD}")[0] == "license_unknown", limit


def test_policies_in_a_file_that_is_not_there_are_a_licence_that_nobody_knows() -> None:
    words = '/* Refer to "Frob Acquisition and Distribution Policies" */\n/* in the file  frob/data/license.txt */\n'
    assert judged(LICENSE=MIT, **{"a.c": f"{words}int a;\n"})[0] == "license_unknown"
    for pointer in (
        "See the LICENSE file for details.",
        "See the Privacy Policy for details.",
        "See Distribution below.",
    ):
        assert judged(LICENSE=MIT, **{"a.c": f"/* {pointer} */\nint a;\n"}) == ("kept", "MIT"), pointer


def test_a_readme_about_most_of_the_files_grants_none() -> None:
    readme = "# Frob\n\nMost of the files in this tree are licensed under the MIT license. See the individual files.\n"
    assert judged(**{"README.md": readme})[0] == "license_missing"
    assert judged(**{"README.md": readme, "a.c": f"/*\n{MIT}\n*/\nint a;\n"}) == ("kept", "MIT")


@pytest.mark.parametrize("named", ("`frob/` folder", "code in `frob/`", "directory `frob`"))
def test_a_readme_may_leave_a_folder_out_of_the_licence(named: str) -> None:
    def with_readme(words: str, path: str, /, **texts: str) -> tuple[str, str | None]:
        texts = {"README.md": f"# A\n\n## License\n\n{words}\n", "frob/a.c": "int a;\n", **texts}
        return judged(path, LICENSE=MIT, **texts)

    out = f"A is licensed under the MIT license, except for the {named}."
    assert with_readme(out, "a.c") == ("kept", "MIT")
    assert with_readme(out, "frob/a.c")[0] == "license_unknown"
    assert with_readme(out, "frob/a.c", **{"frob/LICENSE": BSD}) == ("kept", "BSD-3-Clause")
    assert with_readme(out, "frob/a.c", **{"frob/a.c": f"/*\n{BSD}\n*/\nint a;\n"})[0] == "kept"
    told = f"{out[:-1]}, which is under the GPL-3.0."
    assert with_readme(told, "frob/a.c")[0] == "license_conflict"
    assert with_readme(told, "a.c") == ("kept", "MIT")
    free = f"{out[:-1]}, which is under the Zlib license."
    assert with_readme(free, "frob/a.c") == ("kept", "MIT")


def test_what_a_readme_says_is_not_covered_is_left_out_and_what_it_says_of_where_the_licence_stands_is_not() -> None:
    for words, reason in (
        ("The folder `frob/` is not covered by the MIT license.", "license_unknown"),
        ("The code in the folder `frob/` is licensed as the LICENSE file says.", "kept"),
    ):
        readme = f"# A\n\n## License\n\n{words}\n"
        assert judged("frob/a.c", LICENSE=MIT, **{"README.md": readme, "frob/a.c": "int a;\n"})[0] == reason, words


def test_a_licence_file_says_what_it_leaves_out_is_under() -> None:
    words = "A is under the MIT license below, except for the code in `frob/`, which is under the Zlib license."
    assert judged("frob/a.c", LICENSE=f"{words}\n\n{MIT}", **{"frob/a.c": "int a;\n"}) == ("kept", "Zlib")


@pytest.mark.parametrize("expression", ("MIT", "(MIT OR GPL-2.0-only)", "GPL-2.0-only WITH Classpath-exception-2.0"))
@pytest.mark.parametrize("comment", ("(* {} *)", "(** {} **)", "/* {} */", "{{ {} }}", "<!-- {} -->"))
def test_the_end_of_a_comment_is_no_part_of_a_tag(comment: str, expression: str) -> None:
    line = comment.format(f"SPDX-License-Identifier: {expression}")
    assert expressions(f"{line}\nlet x = 1\n", "head") == [expression.strip("()")]


@pytest.mark.parametrize(
    "words",
    (
        "Under the terms of Contract DE-XY-0001234, the U.S. Government retains certain rights in this software.",
        "Below is the copyright agreement for the Frob system.",
        "NEITHER ACME NOR ANY LICENSOR HAS ANY OBLIGATION TO PROVIDE MAINTENANCE, SUPPORT, OR UPDATES.",
        "ADA ROE AND BO DOE HAVE NO OBLIGATION TO PROVIDE MAINTENANCE, SUPPORT, OR UPDATES.",
    ),
)
def test_what_a_payer_keeps_and_what_nobody_owes_takes_nothing_away(words: str) -> None:
    assert judged(LICENSE=f"{words}\n\n{BSD}") == ("kept", "BSD-3-Clause")
    assert judged(LICENSE=f"{BSD}\n\n{words}\n") == ("kept", "BSD-3-Clause")


def test_a_contract_or_an_obligation_of_who_uses_the_work_takes_something_away() -> None:
    for words in (
        "You have an obligation to provide support payments to Acme.",
        "Under the terms of Contract DE-XY-0001234, you may not sell this software.",
    ):
        assert judged(LICENSE=f"{BSD}\n\n{words}\n")[0] in ("license_unknown", "license_not_allowed"), words


def test_a_disclaimer_below_a_licence_is_no_licence() -> None:
    disclaimer = BSD[BSD.upper().index("THIS SOFTWARE IS PROVIDED") :]
    afl = license_text("AFL-2.1")
    assert judged(LICENSE=f"{OWNED}{afl}\n\n=====\n{disclaimer}\n=====\n") == ("kept", "AFL-2.1")
    assert judged(LICENSE=f"{OWNED}{disclaimer}")[0] == "license_unknown"


@pytest.mark.parametrize("name", ("MIT", "Artistic-2.0"))
@pytest.mark.parametrize("line", ('  "license": "{}",', "# SPDX-License-Identifier: {}"))
def test_what_a_page_shows_as_code_is_no_licence_of_the_page(line: str, name: str) -> None:
    shown = f"# How to\n\n```json\n{line.format(name)}\n```\n"
    assert judged("how-to.md", **{"how-to.md": shown}) == ("license_missing", None)
    assert judged("how-to.md", **{"how-to.md": f"License: MIT\n\n{shown}"})[0] == "kept"


def test_a_sentence_in_brackets_is_no_code() -> None:
    for words, reason in (
        ("[Released under MIT License. Please refer to license.txt for details]", "kept"),
        ("[Uses the MIT licensed frob of Ada, see there]", "license_missing"),
    ):
        assert judged(**{"a.c": f"/* ====\n    Frob - A Test\n    {words}\n==== */\nint a;\n"})[0] == reason, words


def test_every_licence_that_is_allowed_as_permissive_can_be_a_mention() -> None:
    """What is only named grants nothing; a name that asks for more than a notice is stated, and refused."""
    policy = tomllib.loads(resources.files("gleanery.licensing").joinpath("policy.toml").read_text("utf-8"))
    named = {name for group in policy["groups"].values() for name in group["licenses"]}
    allowed = {name for name in named if POLICY.answer(name) == "allow"}
    assert "Artistic-2.0" in allowed and not [name for name in sorted(allowed) if asks_for_more(name)]
    assert judged(**{"a.c": "// Uses parts of Frob (Artistic License 2.0).\nint a;\n"}) == ("license_missing", None)
    perl = "# You can redistribute it and/or modify it under the same terms as Perl itself.\nuse strict;\n"
    assert judged("a.pl", **{"a.pl": perl})[0] == "kept"


@pytest.mark.parametrize(
    ("words", "reason"),
    (
        ("Optionally the [L-GPL](https://www.gnu.org/licenses/lgpl-3.0.html)\ncan be used.", "kept"),
        ("Alternatively, the GPL can be used.", "kept"),
        ("Optionally the GPL-licensed Frob can be used.", "license_conflict"),
        ("The GPL can be used.", "license_conflict"),
    ),
)
def test_a_readme_may_offer_another_licence_in_a_second_sentence(words: str, reason: str) -> None:
    readme = f"# A\n\n## License\n\nA is licensed under [MIT](https://choosealicense.com/licenses/mit). {words}\n"
    assert judged(LICENSE=MIT, **{"README.md": readme})[0] == reason


def test_a_licence_file_may_be_called_in_one_word_with_what_it_is_of() -> None:
    for name, reason in (("FrobLicense.txt", "license_not_allowed"), ("FrobLicense.java", "kept")):
        texts = {f"lib/{name}": str(license_text("GPL-2.0-only")), "lib/a.c": "int a;\n"}
        assert judged("lib/a.c", LICENSE=MIT, **texts)[0] == reason, name


def test_a_package_of_nuget_inherits_nothing() -> None:
    for path, reason in (("packages/Frob.Core.1.2.3/a.xml", "license_missing"), ("packages/frob/a.xml", "kept")):
        assert judged(path, LICENSE=MIT, **{path: "<a/>\n"})[0] == reason, path


def test_a_reservation_is_heard_in_a_document_beside_a_licence_file_of_its_name() -> None:
    reserved = r"{\rtf1\ansi Do not train AI models on this code.\par}"
    assert judged(LICENSE=MIT, **{"LICENSE.rtf": reserved})[0] != "kept"
    assert judged(LICENSE=MIT, **{"LICENSE.rtf": r"{\rtf1\ansi All of it is said elsewhere.\par}"})[0] == "kept"


@pytest.mark.parametrize("scope", ("LICENSE", "NOTICE"))
def test_a_limit_that_somebody_wrote_into_a_licence_is_a_limit(scope: str) -> None:
    apache = (
        "Frob, its sources and its assets are licensed under the Apache License, Version 2.0, {}\n\n"
        "You may not use this software except in compliance with the License.\n"
        "You may obtain a copy of the License at\n\n     http://www.apache.org/licenses/LICENSE-2.0\n\n"
        "Unless required by applicable law or agreed to in writing, software\n"
        'distributed under the License is distributed on an "AS IS" BASIS,\n'
        "WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.\n"
        "See the License for the specific language governing permissions and\nlimitations under the License.\n"
    )
    files = {
        "LICENSE": str(license_text("Apache-2.0")),
        scope: "\n" * 12 + apache.format("and comes without pictures."),
    }
    assert judged(**files)[0] == "kept"
    files[scope] = "\n" * 12 + apache.format("and may be used only for non-evil purposes.")
    assert judged(**files)[0] in ("license_conflict", "license_not_allowed")


@pytest.mark.parametrize(
    ("words", "limits"),
    (
        ("It may be used only for non-evil purposes.", True),
        ("The Software shall be used for Good, not Evil.", True),
        ("It is here only for good measure.", False),
    ),
)
def test_good_and_evil_are_limits_of_use(words: str, limits: bool) -> None:
    assert bool(limit_in([words])) is limits


@pytest.mark.parametrize(
    ("words", "expression"),
    (
        ("License:: Ruby's license (see the LICENSE file) or GNU GPL, at your option.", "Ruby OR GPL-1.0-or-later"),
        ("Licensed under the MIT license and the Zlib license or a later version, at your option.", "MIT AND Zlib"),
    ),
)
def test_one_or_another_at_your_option_is_a_choice(words: str, expression: str) -> None:
    assert expressions(f"# {words}\nx = 1\n", "head") == [expression]

"""Finding licences in single texts, with the real detector and its full index."""

import contextlib
import functools
import gc
import os
import pickle
import random
import re
import subprocess
import sys
import threading
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing import index
from gleanery.licensing.findings import MAYBE_NO_TRAINING, NO_TRAINING, Finding
from gleanery.licensing.reading import HEAD_CHARACTERS, WHOLE_CHARACTERS, read_text
from gleanery.licensing.scan import MOST_FINDINGS, Scanner
from gleanery.licensing.time_limit import TimeIsUp, within
from gleanery.records.errors import StopRun

GOLDEN = Path(__file__).parent / "golden/licensing"
HEADS: dict[str, Any] = tomllib.loads((GOLDEN / "heads.expected.toml").read_text("utf-8"))
SCANNER = Scanner()
LICENSES = Path((find_spec("licensedcode").submodule_search_locations or [""])[0]) / "data/licenses"  # type: ignore[union-attr]
APACHE = (
    b"# Licensed under the Apache License, Version 2.0 (the License);\n# you may not use this file except in compliance"
)


def shipped(key: str) -> str:
    """A licence text as scancode ships it, without the lines about it."""
    return (LICENSES / f"{key}.LICENSE").read_text("utf-8").split("---\n", 2)[2]


def expressions(content: bytes, scope: str = "whole") -> list[str | None]:
    return [f.expression for f in SCANNER.scan(content, scope)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the real detector is asked about, one entry for each call."""
    assert SCANNER.detector  # loads the index in the product's own way first
    from licensedcode.index import LicenseIndex

    asked: list[str] = []
    real = LicenseIndex.match_query

    def counted(self: Any, qry: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(qry.query_string)
        return real(self, qry, *args, **kwargs)

    monkeypatch.setattr(LicenseIndex, "match_query", counted)
    return asked


def test_the_golden_heads_are_all_expected() -> None:
    assert sorted(p.name for p in (GOLDEN / "heads").iterdir()) == sorted(HEADS)


@pytest.mark.parametrize("name", HEADS)
def test_the_head_of_a_source_file_is_understood(name: str) -> None:
    found = SCANNER.scan((GOLDEN / "heads" / name).read_bytes(), "head")
    said = [
        f"{f.outcome}: {f.expression}, lines {f.start_line}-{f.end_line}, {f.rule}"
        if f.expression
        else f"{f.outcome}: {f.rule or '-'}"
        for f in found
    ]
    assert said == HEADS[name]["findings"]
    assert list(found[0].copyrights) == HEADS[name]["copyrights"]


@pytest.mark.parametrize(
    ("key", "spdx"),
    [
        ("mit", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("bsd-new", "BSD-3-Clause"),
        ("bsd-simplified", "BSD-2-Clause"),
        ("isc", "ISC"),
        ("zlib", "Zlib"),
        ("unlicense", "Unlicense"),
        ("cc0-1.0", "CC0-1.0"),
        ("boost-1.0", "BSL-1.0"),
        ("mpl-2.0", "MPL-2.0"),
        ("gpl-2.0", "GPL-2.0-only"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("lgpl-2.1", "LGPL-2.1-only"),
        ("agpl-3.0", "AGPL-3.0-only"),
        ("epl-2.0", "EPL-2.0"),
        ("json", "JSON"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("busl-1.1", "BUSL-1.1"),
        ("jquery-pd", "LicenseRef-scancode-jquery-pd"),
    ],
)
def test_a_licence_text_is_recognised(key: str, spdx: str) -> None:
    if not (LICENSES / f"{key}.LICENSE").exists():
        key = "bsl-1.1"
    assert expressions(shipped(key).encode()) == [spdx]


def test_a_licence_text_with_its_owner_filled_in_and_a_word_changed_is_recognised() -> None:
    text = "Copyright (c) 2011-2024, Nora Nobody and contributors.\nAll rights reserved.\n" + shipped("bsd-new")
    changed = text.replace("the copyright holder", "Example Corp.").replace("modification", "modifications")
    assert expressions(changed.encode()) == ["BSD-3-Clause"]


def test_the_tag_gives_what_full_matching_gives(calls: list[str]) -> None:
    for expression in (
        "MIT",
        "GPL-2.0-or-later",
        "Apache-2.0 WITH LLVM-exception",
        "MIT OR Apache-2.0",
        "0BSD",
        "CC0-1.0",
    ):
        text = f"// SPDX-License-Identifier: {expression}\n// Copyright 2020 Nora Nobody\nint x;\n".encode()
        fast = SCANNER.scan(text, "head")
        assert [f.rule for f in fast] == ["spdx-license-identifier"] and not calls
        from gleanery.licensing.matches import match_of, query_of

        full = [f.expression for f in match_of(query_of(text.decode()), True).findings]
        assert [f.expression for f in fast] == full
        calls.clear()


def test_a_tag_is_not_enough_where_another_licence_is_named_beside_it() -> None:
    text = b"# SPDX-License-Identifier: MIT\n# This file is licensed under the GNU General Public License, version 3.\n"
    assert expressions(text, "head") == ["MIT", "GPL-3.0-only"]


def test_the_name_of_a_file_of_data_is_no_licence() -> None:
    about = b'# Reads the list.\ndata = open("licenses.json")\nmore = fetch(base + "license.json")\n'
    assert [f.outcome for f in Scanner().scan(about, "head")] == ["none"]
    assert [f.expression for f in Scanner().scan(b"# License: JSON\n", "head")] == ["JSON"]


def test_a_tag_with_an_unknown_licence_is_not_taken_for_a_known_one() -> None:
    (found,) = SCANNER.scan(b"# SPDX-License-Identifier: MIT AND Nonsense-9.9\n", "head")
    assert found.expression and "unknown-spdx" in found.expression


def test_old_spdx_names_become_current_ones() -> None:
    assert expressions(b"# SPDX-License-Identifier: GPL-2.0+ OR mit\n", "head") == ["GPL-2.0-or-later OR MIT"]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (b'{"name": "a",\n "license": "(MIT OR GPL-3.0)",\n "main": "a.js"}', "MIT OR GPL-3.0-only"),
        (b'[package]\nname = "a"\nlicense = "MIT OR Apache-2.0"\n', "MIT OR Apache-2.0"),
        (b'[package]\nlicense = "MIT/Apache-2.0"\n', "Apache-2.0 OR MIT"),
        (b"Metadata-Version: 2.4\nSummary: as simple as JSON\nLicense-Expression: MIT\n", "MIT"),
        (b"[metadata]\nname = a\nlicense = BSD-3-Clause\n", "BSD-3-Clause"),
        (b'Gem::Specification.new do |s|\n  s.license = "MIT"\nend\n', "MIT"),
        (
            b"<project><licenses><license>\n<name>Apache License, Version 2.0</name>\n</license></licenses>",
            "Apache-2.0",
        ),
        (b'{\n"license": "BSD-2-Clause"\n}\n', "BSD-2-Clause"),
        (b'[project]\nlicense = {text = "ISC"}\n', "ISC"),
    ],
)
def test_manifests_state_their_licence(text: bytes, expression: str) -> None:
    assert expressions(text) == [expression]


def test_text_without_a_word_of_law_never_reaches_the_detector(calls: list[str]) -> None:
    scanner = Scanner()
    assert scanner.scan(b"def commit(limit):\n    return submit(limit)\n" * 50, "head") == (Finding("none"),)
    assert scanner.scan(b"# A\n\nIt adds numbers.\n", "whole") == (Finding("none"),)
    assert not calls and scanner.tally["silent"] == 2


def test_a_thousand_files_with_forty_headers_cost_at_most_forty_scans(calls: list[str]) -> None:
    names = ("MIT", "ISC", "Apache 2.0", "BSD", "zlib", "GPL v2", "GPL v3", "LGPL 2.1", "MPL 2.0", "Artistic")
    headers = [
        f"This file is part of Frob and {how} the {name} license."
        for name in names
        for how in ("is licensed under", "is released under", "is distributed under", "may be used under")
    ]
    styles = ("# {}\n", "// {}\n", "/* {} */\n", " * {}\n", ";; {}\n")
    scanner, order = Scanner(), random.Random(1)
    for n in range(1000):
        style = order.choice(styles)
        lines = [
            f"frob_{n}: does things no. {n}",
            "",
            f"Copyright (c) {1990 + n % 30} Nora Nobody {n}",
            "",
            headers[n % 40],
        ]
        code = f"\n\nint frob_{n}(void);\n"
        scanner.scan(("".join(style.format(line) for line in lines) + code).encode(), "head")
    assert 10 <= len(calls) == scanner.tally["exact"] <= 40
    assert scanner.tally["remembered"] == 960 and scanner.tally["covered"] + len(calls) == 40


def test_what_a_head_says_of_its_file_costs_no_scan(calls: list[str]) -> None:
    scanner = Scanner()
    for n in range(50):
        text = f"# This file is licensed under the MIT license.\n# It frobs the {n}th widget of Nora {n} Nobody.\n"
        assert [f.expression for f in scanner.scan(text.encode(), "head")] == ["MIT"]
    assert len(calls) == 1 and scanner.tally["covered"] == 49


def test_lines_are_those_of_the_file_also_when_the_answer_was_remembered() -> None:
    scanner = Scanner()
    for n in (0, 3, 17):
        text = "\n" * n + "# Copyright 2020 Nora Nobody\n" * (n + 1) + "# This is licensed under the MIT license.\n"
        (found,) = scanner.scan(text.encode(), "head")
        assert (found.start_line, found.end_line) == (2 * n + 2, 2 * n + 2)
        assert len(found.copyrights) == n + 1
    assert scanner.tally["exact"] == 1


def test_an_expired_time_limit_is_unknown_and_not_none() -> None:
    text = "\n".join(" ".join(random.Random(n).sample(shipped("gpl-3.0").split(), 20)) for n in range(60))
    for seconds in (0.0, 0.001):
        scanner = Scanner(seconds=seconds)
        for scope in ("whole", "head"):
            (found,) = scanner.scan(text.encode(), scope)
            assert (found.outcome, found.rule) == ("unknown", "gleanery-time-limit")
    assert SCANNER.scan(text.encode(), "head")[0].rule != "gleanery-time-limit"


def test_an_expired_time_limit_is_not_remembered() -> None:
    text = shipped("apache-2.0").encode()
    scanner = Scanner(seconds=0.0)
    assert scanner.scan(text, "whole")[0].outcome == "unknown"
    scanner.seconds = 20.0
    assert [f.expression for f in scanner.scan(text, "whole")] == ["Apache-2.0"]


def test_the_time_limit_works_in_any_thread_and_leaves_no_trace() -> None:
    ended: list[str] = []

    def work() -> None:
        for _ in range(20):
            try:
                within(0.01, lambda: [sum(range(100)) for _ in range(10**9)])
            except TimeIsUp:
                ended.append("time")
            assert within(10.0, lambda: "done") == "done"

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended == ["time"] * 40


def test_an_exception_never_arrives_after_the_work_has_ended() -> None:
    for n in range(300):  # the limit and the work end at about the same moment
        with contextlib.suppress(TimeIsUp):
            within(0.002, functools.partial(sum, range(40_000 + 400 * n)))
        sum(range(1000))


def test_an_exception_that_a_finaliser_swallows_is_raised_again() -> None:
    class Slow:
        def __del__(self) -> None:
            with contextlib.suppress(TimeIsUp):
                for _ in range(10**7):
                    pass

    def work() -> None:
        Slow()
        while True:
            pass

    with pytest.raises(TimeIsUp):
        within(0.05, work)


def test_a_profiler_goes_on_after_work_that_was_watched() -> None:
    code = (
        "import cProfile\nfrom gleanery.licensing.time_limit import within\nwithin(5.0, int)\n"
        "def work():\n    return 'profiled'\n"
        "profile = cProfile.Profile()\nprint(profile.runcall(work))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "profiled\n"


def test_texts_that_are_too_long_are_said_to_be_read_in_part() -> None:
    text = (shipped("mit") + "\n" + "It is a fine day.\n" * (WHOLE_CHARACTERS // 10)).encode()
    found = SCANNER.scan(text, "whole")
    assert [f.outcome for f in found] == ["found", "unknown"]
    assert [f.rule for f in found] == ["mit.LICENSE", "gleanery-text-too-long"]


def test_findings_and_copyright_lines_are_bounded() -> None:
    gap = "\n\nSome words of no meaning stand here.\n\n" * 4
    text = gap.join(
        f"Copyright (c) 2020 Nora Nobody {'x' * 400} {n}\n\nThis part is licensed under the {k} license."
        for n in range(50)
        for k in ("MIT", "ISC")
    )
    found = SCANNER.scan(text.encode(), "whole")
    assert len(found) <= MOST_FINDINGS
    if len(found) == MOST_FINDINGS:
        assert found[-1].outcome == "unknown"
    assert len(found[0].copyrights) == 50 and max(map(len, found[0].copyrights)) == 400


def test_only_the_first_lines_of_a_source_file_are_its_head() -> None:
    late = b"x = 1\n" * 200 + b"# SPDX-License-Identifier: MIT\n"
    assert SCANNER.scan(late, "head") == (Finding("none"),)
    assert HEAD_CHARACTERS >= 4096


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_header_is_found_in_every_encoding(encoding: str) -> None:
    text = (
        "# Copyright 2020 Nora Nobödy\n# This file is licensed under the GNU General Public License, version 2 only.\n"
    )
    assert expressions(text.encode(encoding), "head") == ["GPL-2.0-only"]


@pytest.mark.parametrize(
    ("text", "reserved"),
    [
        ("No AI training.", True),
        ("NoAI use of this repository, please: no-ai-training", True),
        ("This code may not be used to train machine learning models.", True),
        ("You must not use this software for training of any AI, LLM or similar system.", True),
        ("The use of this code for training generative models is prohibited.", True),
        ("The author forbids to include this work in AI training datasets.", True),
        ("It is forbidden to train on this work; training of AI models on it is not permitted.", True),
        ("AI training on this code is prohibited.", True),
        ("This code may not be used as training data.", True),
        ("Not to be used for machine learning.", True),
        ("This project opts out of AI training.", True),
        ("We opt out of text and data mining.", True),
        ("No LLM training.", True),
        ("No machine learning use permitted.", True),
        ("NOT FOR AI TRAINING", True),
        ("Training of AI on this repository requires a paid license.", True),
        ("We object to the use of this code for AI training.", True),
        ("Do not scrape this repository for AI.", True),
        ("You must not use this code in datasets for language models.", True),
        ("Copilot and other code models must not learn from this repository.", True),
        ("Nobody may use it. The code may not be used by anyone to train AI models.", True),
        ("This code is MIT. It may not be used to train AI models.", True),
        ("MIT licence, but you may not train generative AI with anything in this repository.", True),
        ("We, the authors, do not allow anyone to use this project to train AI models.", True),
        ("License: MIT, no AI training.", True),
        ("Nobody may train an LLM on the contents of this repo.", True),
        ("No part of this work may be used to train artificial intelligence.", True),
        ("You may use this code for anything except training of AI models.", True),
        ("This project does not permit the training of language models on its source code.", True),
        ("I want to opt out of AI training.", True),
        ("Any use for the purposes of training artificial intelligence is expressly prohibited.", True),
        ("Using this code for training AI without asking me is not allowed.", True),
        ("The Software may not be used for training or improving machine learning algorithms, including AI.", True),
        ("Machine learning use is not permitted.", True),
        ("AI use prohibited", True),
        ("Use in generative AI is prohibited.", True),
        ("This code must not be ingested by AI systems.", True),
        ("No permission is granted to use this work for training machine learning models.", True),
        ("All rights reserved for AI training.", True),
        ("Please don't use this for GitHub Copilot training.", True),
        ("Do not feed this to ChatGPT.", True),
        ("No scraping, no LLMs.", True),
        ("Opt-out: AI training", True),
        ("AI use is prohibited in contributions.", False),
        ("Pull requests: AI use is not allowed.", False),
        ("Secrets must not be processed by AI agents.", False),
        ("No license is required to train AI models with it.", False),
        ("Do not feed it to the language model before scaling.", False),
        ("No machine learning experience is needed.", False),
        ("The validation set may not be used as training data.", False),
        ("Not for machine learning engineers alone.", False),
        ("Machine learning requires a lot of data, which this package does not ship.", False),
        ("The test set must not be used for training.", False),
        ("We train a language model on licensed text.", False),
        ("This is not a machine learning library.", False),
        ("No training is required to use this tool.", False),
        ("Do not train for more than ten epochs. The language model is in models/.", False),
    ],
)
def test_a_reservation_against_training_is_understood(text: str, reserved: bool) -> None:
    for content in (text, f"# {text}", " * " + text.replace(" ", "\n * ", 1)):
        assert (NO_TRAINING in expressions(content.encode(), "whole")) == reserved
        assert (NO_TRAINING in expressions(content.encode(), "head")) == reserved


@pytest.mark.parametrize("text", ["ai-training: no", "# ai-training: no", "Content-Usage: train-ai=n"])
def test_a_mark_against_training_by_itself_on_a_line_is_understood(text: str) -> None:
    assert expressions(f"A tool.\n\n{text}\n".encode(), "whole") == [NO_TRAINING]


@pytest.mark.parametrize(
    "text",
    [
        "Your data is never used to train AI models.",
        "We do not use your prompts to train our language models.",
        "The library does not train language models; it only runs inference.",
        "Note that you cannot train a language model with this tool on a CPU.",
        "The GPU backend is not supported for training large language models yet.",
        "Your code never leaves your machine and is not used for training AI models.",
        "Training LLMs needs an API key and your consent.",
        "Machine learning models should not learn from the test set.",
        "Do not use this library for training of large networks.",
        "Never train models with data from this library without normalising it.",
        "This repository shows how to opt out of AI training on GitHub.",
        "Do not train the model on this file; it is the validation split.",
        "Do not include this file in the training set: it is the test split.",
        "The AI model must not read this file twice.",
        "The module does not provide training for AI models.",
        "Datasets are not included; AI models are downloaded.",
        "This crawler respects TDM-Reservation: 1 headers of web sites.",
        "We honour robots.txt and noai, noimageai tags when scraping.",
        'It checks whether a page has the meta tag content="noai".',
        "Licensed under MIT. Not used for AI.",
        "Licensed under MIT. It cannot train a machine learning model by itself.",
        "It is not feasible to train a language model for each language.",
        "The problems were written by hand to ensure not to be included in the training set of code generation models.",
        "This library must not be used in training mode with language models.",
        "You don't need to train a model: no machine learning use case here.",
    ],
)
def test_words_on_training_about_something_else_say_nothing(text: str) -> None:
    for content in (text, f"# {text}", " * " + text.replace(" ", "\n * ", 1)):
        for scope in ("whole", "head"):
            reading = read_text(content.encode(), scope)
            assert (reading.reserved, reading.doubted) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "Fine-tuning a language model requires a license agreement for the weights.",
        "The dataset must not be used for evaluation of models that were trained on it, or LLM models.",
        "Training language models is not permitted on such computers.",
        "You must not use outputs of the service to train language models that compete with it.",
    ],
)
def test_words_on_training_that_name_no_work_are_a_doubt(text: str) -> None:
    for scope in ("whole", "head", "readme"):
        found = SCANNER.scan(text.encode(), scope)
        assert ("unknown", MAYBE_NO_TRAINING) in {(f.outcome, f.rule) for f in found}
        assert NO_TRAINING not in {f.expression for f in found}


@pytest.mark.parametrize("scope", ["whole", "head"])
@given(
    st.one_of(
        st.binary(max_size=2000),
        st.lists(
            st.sampled_from(
                [b"SPDX-License-Identifier:", b"license", b"GPL", b"(c) 2020", b"Copyright", b"MIT OR (", b"WITH",
             b"\n", b"\x00", b"\xff\xfe", b"*/", b"All rights reserved", b"\xed\xa0\x80", b" ", b"))",
             b"no ai training", b"\r", b"[" * 40, APACHE]
            ),
            max_size=40,
        ).map(b" ".join),
    )
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_no_bytes_break_the_scanner(scope: str, content: bytes) -> None:
    found = SCANNER.scan(content, scope)
    assert found
    for finding in found:
        assert finding.outcome in ("found", "none", "unknown")
        assert (finding.outcome == "found") == (finding.expression is not None)
        if finding.start_line is not None and finding.end_line is not None:
            assert 1 <= finding.start_line <= finding.end_line <= content.count(b"\n") + content.count(b"\r") + 1
    assert found == Scanner().scan(content, scope)


def test_a_scope_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="not whole, readme or head"):
        SCANNER.scan(b"", "tail")


def test_the_detector_names_its_version_its_list_and_its_index() -> None:
    assert re.fullmatch(
        r"scancode-toolkit [\d.]+ / SPDX list [\d.]+ / index sha256:[0-9a-f]{12} / gleanery-scan \d+", SCANNER.detector
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [(MemoryError(), MemoryError), (EOFError(), StopRun), (pickle.UnpicklingError("cut"), StopRun)],
)
def test_an_index_that_cannot_be_loaded_is_never_built(
    error: Exception, told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: object) -> None:
        raise error

    monkeypatch.setattr(pickle, "load", load)
    before = (index._index_file().stat().st_mtime_ns, gc.isenabled())
    with pytest.raises(told):
        index._loaded(index._index_file())
    assert (index._index_file().stat().st_mtime_ns, gc.isenabled()) == before


@pytest.mark.slow
def test_a_warm_process_forks_workers_that_share_the_index_and_leaves_no_files(tmp_path: Path) -> None:
    program = """
import os, sys
from gleanery.licensing import scan
assert "licensedcode" not in sys.modules
scan.warm()
assert "SCANCODE_TEMP" not in os.environ and "SCANCODE_CACHE" not in os.environ
readable, writable = os.pipe()
if os.fork() == 0:
    found = scan.Scanner().scan(b"# This is licensed under the MIT license.", "head")
    own = [l for l in open("/proc/self/smaps_rollup") if l.startswith("Private_Dirty")][0].split()[1]
    os.write(writable, f"{found[0].expression} {own}".encode())
    sys.exit(0)
os.wait()
print(os.read(readable, 100).decode(), len(os.listdir(sys.argv[1])))
"""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SCANCODE")} | {
        "TMPDIR": str(tmp_path),
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    expression, kilobytes, left_while_running = done.stdout.split()
    assert expression == "MIT" and left_while_running == "0"
    assert int(kilobytes) < 400_000, "a worker has most of the index to itself"
    assert list(tmp_path.iterdir()) == []


def test_scanning_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("head", "notices"),
    [
        (
            '/*!\n * Copyright (c) 2010 "Cowboy" Ben Invented\n * MIT\n */\n',
            ['Copyright (c) 2010 "Cowboy" Ben Invented'],
        ),
        ("// Copyright (c) 2004 Ada Invented; 2008 Jane Roe\n", ["Copyright (c) 2004 Ada Invented; 2008 Jane Roe"]),
        ('/* Copyright 2001 by Robert "Bob" Roe. */ var a = "b";\n', ['Copyright 2001 by Robert "Bob" Roe.']),
        ("// Copyright 1999 Jean d'Invented, `jean`\n", ["Copyright 1999 Jean d'Invented, `jean`"]),
        (
            "# Copyright 2010 Alice Roe (a@roe.example),\n#                Bob Doe\n",
            ["Copyright 2010 Alice Roe (a@roe.example), Bob Doe"],
        ),
        ("# Copyright (c) 2010, 2011,\n#   The Regents of X\n# MIT\n", ["Copyright (c) 2010, 2011, The Regents of X"]),
        (
            "# Copyright 2010 Ada Invented and\n# Jane Roe\n# Licensed under MIT\n",
            ["Copyright 2010 Ada Invented and Jane Roe"],
        ),
        ("# &copy; 2010 Ada Invented\n", ["&copy; 2010 Ada Invented"]),
        ("/* Copyright (c) 2010, */\nint a;\n", ["Copyright (c) 2010,"]),
        ("# Copyright 2010 Ada Invented\n# Reads tables.\n", ["Copyright 2010 Ada Invented"]),
        ('x = (\n  "Copyright 2010 Ada Invented", "hunter2"\n)\n', ["Copyright 2010 Ada Invented"]),
        ('x = (\n  "Copyright 2010 " + owner + "hunter2"\n)\n', ["Copyright 2010"]),
        ('print("""\nCopyright 2010 Ada Invented""", "hunter2")\n', ["Copyright 2010 Ada Invented"]),
        ('print("x\\n\\\nCopyright 2010 Ada Invented\\n", "hunter2")\n', ["Copyright 2010 Ada Invented\\n"]),
        ("x = [\n  'Copyright 2010 Ada Invented', 'hunter2']\n", ["Copyright 2010 Ada Invented"]),
        ("# Copyright 2010 Ada Invented,\n#      password = hunter2\n", ["Copyright 2010 Ada Invented,"]),
    ],
)
def test_a_copyright_line_is_taken_as_it_stands_and_without_code(head: str, notices: list[str]) -> None:
    assert list(SCANNER.scan(head.encode(), "head")[0].copyrights) == notices

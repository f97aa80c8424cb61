"""SPDX expressions: taken apart and put together without changing what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.licensing.expressions import all_of, alternatives, canonical, conjuncts, declared, keys, parse

IDS = st.sampled_from(["MIT", "ISC", "GPL-2.0-only", "Apache-2.0 WITH LLVM-exception", "LicenseRef-a.b-1"])
TEXTS = st.recursive(
    IDS,
    lambda inner: st.builds(
        lambda word, parts: "(" + f" {word} ".join(parts) + ")",
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=7,
)


@given(TEXTS)
def test_printing_and_parsing_again_says_the_same(text: str) -> None:
    tree = parse(text)
    assert tree is not None
    assert canonical(str(tree)) == canonical(text)
    assert parse(canonical(text)) is not None and canonical(canonical(text)) == canonical(text)


@given(st.lists(TEXTS, max_size=4))
def test_all_of_loses_no_part_and_does_not_depend_on_order(texts: list[str]) -> None:
    joined = all_of(texts)
    assert canonical(joined or "") == canonical(all_of(reversed(texts)) or "")
    wanted = {canonical(part) for text in texts for part in conjuncts(text)}
    assert {canonical(part) for part in conjuncts(joined or "")} == wanted


def test_parts_choices_and_ids_are_told_apart() -> None:
    text = "MIT AND (ISC OR GPL-2.0-only WITH Classpath-exception-2.0)"
    assert conjuncts(text) == ["MIT", "ISC OR GPL-2.0-only WITH Classpath-exception-2.0"]
    assert alternatives(conjuncts(text)[1]) == {"isc", "gpl-2.0-only with classpath-exception-2.0"}
    assert keys(text) == ["MIT", "ISC", "GPL-2.0-only"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("MIT", "MIT"),
        ("  the  MIT License ", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("(MIT OR GPL-3.0)", "MIT OR GPL-3.0"),
        ("BSD License", None),
        ("MIT, ISC", None),
        ("", None),
        ("x" * 100_000, None),
        ("Permission is hereby granted, free of charge, to any person", None),
    ],
)
def test_free_text_of_a_registry_is_a_licence_only_beyond_doubt(said: str, meant: str | None) -> None:
    assert declared(said) == meant


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    tree = parse(text)
    assert tree is None or list(tree.leaves())
    declared(text)

"""Spans are whole nodes of the syntax tree, and no file takes more than its share of steps."""

import pytest
import tokenizers

pytest.importorskip("tree_sitter", reason="tree-sitter and its grammars are not installed")

from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import Settings, ShardSettings
from gleanery.pipeline.stage6_pack import tokens_step
from gleanery.records.parquet import Written
from gleanery.shards import syntax
from gleanery.shards.syntax import BYTES_PER_SPAN, GRAMMARS, LEAST_SPAN, MOST_BYTES, spans_of

FUNCTION = "def area(width, height):\n    total = width * height + {n}\n    return total\n\n\n"
PYTHON = "".join(FUNCTION.format(n=n) for n in range(20)).encode()
HOSTILE = {
    "brackets": b"(" * 60_000,
    "raw strings": b'r#"' * 40_000,
    "quotes": b"'" * 60_000,
    "no text": b"\x00\xff" * 30_000,
}


def test_spans_are_whole_nodes_in_order() -> None:
    spans = spans_of("Python", PYTHON, "a").tolist()
    assert spans == sorted(spans)
    assert len(spans) == len(PYTHON) // BYTES_PER_SPAN + 1
    for begin, end in spans:
        assert end - begin >= LEAST_SPAN
        assert PYTHON[begin:end].split(b"(")[0].split(b" ")[0] in (b"def", b"total", b"width")
    assert spans_of("Python", PYTHON, "a").tolist() == spans
    assert spans_of("Python", PYTHON, "b").tolist() != spans


def test_what_has_no_grammar_or_is_too_long_has_no_spans() -> None:
    assert len(spans_of(None, PYTHON, "a")) == len(spans_of("COBOL", PYTHON, "a")) == 0
    assert len(spans_of("Python", b"x = 1\n" * MOST_BYTES, "a")) == 0


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", GRAMMARS)
def test_hostile_text_ends_with_spans_inside_it(language: str, name: str) -> None:
    text = HOSTILE[name]
    for begin, end in spans_of(language, text, "a").tolist():
        assert 0 <= begin < end <= len(text)


def test_another_grammar_makes_tokens_anew_and_is_named_in_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    markers = {"documents": Marker("", {"tables/documents/part-00000-of-00001.parquet": Written(1, 1, "")}, {}, {})}
    plain, spans = Settings(), Settings(shards=ShardSettings(syntax_spans=True))
    assert "grammars" not in tokens_step(plain, markers).parameters
    assert tokens_step(plain, markers).parameters["tokenizers"] == tokenizers.__version__
    before = tokens_step(spans, markers).parameters
    assert set(before["grammars"]) == {"tree-sitter"} | {name.replace("_", "-") for name, _ in GRAMMARS.values()}
    monkeypatch.setattr(syntax, "version", lambda name: "9.9" if name == "tree-sitter-go" else "1.0")
    after = tokens_step(spans, markers).parameters
    assert after != before and after["grammars"]["tree-sitter-go"] == "9.9"

"""What a tokenizer is trained on: at most what the settings say, and never nothing where there is something."""

from hypothesis import given
from hypothesis import strategies as st

from gleanery.pipeline.stage6_pack import sample
from gleanery.records.ids import keyed_hash


@given(st.lists(st.text("abü日 \n", max_size=40), max_size=60), st.integers(1, 400))
def test_a_sample_is_as_large_as_it_may_be(texts: list[str], limit: int) -> None:
    documents = [(f"file{n}", text) for n, text in enumerate(texts)]
    found = sample(documents, limit)
    total, taken = sum(len(text.encode()) for text in texts), sum(len(text.encode()) for text in found)
    assert min(total, limit) - 3 <= taken <= limit  # a character that is cut through is left out
    if total <= limit:
        assert list(filter(None, found)) == list(filter(None, texts))


@given(st.permutations([f"file{n}" for n in range(30)]))
def test_a_sample_holds_the_same_texts_in_any_order(names: list[str]) -> None:
    documents = [(name, name * 3) for name in names]
    found = sample(documents, 100)
    by_hash = sorted((keyed_hash("tokenizer", name), name) for name in names)
    whole = [name * 3 for _, name in by_hash[: len(found) - 1]]
    assert sorted(text for text in found if text in whole) == sorted(whole)
    (cut,) = [text for text in found if text not in whole]
    assert (by_hash[len(found) - 1][1] * 3).startswith(cut)


def test_one_large_document_is_enough() -> None:
    assert sample([("a", "x" * 1000), ("b", "y" * 1000)], 10) in (["x" * 10], ["y" * 10])

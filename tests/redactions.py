"""What a redactor replaces in a text, for tests of what it finds and leaves."""

from gleanery.privacy.redact import Redactor


def found(redactor: Redactor, text: str, path: str, language: str | None = None) -> list[tuple[str, str]]:
    """Each replacement as its entity and what stood there. A second pass over the result must change nothing."""
    result = redactor.redact(text, path, language)
    assert redactor.redact(result.text, path, language).text == result.text
    return [(r.entity, text[r.start : r.end]) for r in result.replacements]

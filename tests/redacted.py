"""What a redactor finds in a text, as tests compare it."""

from gleanery.privacy.redact import Redactor


def found(redactor: Redactor, text: str, path: str = "a.py") -> list[tuple[str, str]]:
    """The kind and the words of each find, in the order of the text."""
    return [(r.entity, text[r.start : r.end]) for r in redactor.redact(text, path, None).replacements]

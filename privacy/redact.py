"""Redaction: personal data and secrets replaced by placeholders.

In: the text of a file, its path and its language. Out: the text without them, and one row for each replaced span: what
kind, where, by which rule. The values themselves are in no row, no error and no log. Costs 9 to 13
MB/s on one core (26 MB of Python, C, JavaScript, JSON and prose); a third is the check that Python still parses.

Redacting twice changes nothing, by construction: a text is redacted until the detectors find nothing more in the
result, and the detectors look at nothing but the text, the path and the language.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gleanery.privacy.analyzer import Analyzer
from gleanery.privacy.hits import SECRETS, Hit
from gleanery.privacy.placeholders import Placed, merged, render
from gleanery.privacy.repeats import with_repeats
from gleanery.privacy.rules import redactor_version
from gleanery.privacy.syntax import parses
from gleanery.records.errors import RejectRecord

PERSONAL = frozenset({"EMAIL", "IP_ADDRESS", "NAME", "USERNAME"})
# One round finds nearly everything; a second one sees what the first uncovered. More than a few means a made-up text.
MOST_ROUNDS = 12


@dataclass(frozen=True)
class Replacement:
    """One replaced span. `entity` is EMAIL, IP_ADDRESS, KEY, PASSWORD, PRIVATE_KEY, NAME or USERNAME.

    `start` and `end` count characters of the original text, `new_start` those of the redacted one. `score` is from 0
    to 1. A private key that is spread over several literals gives one row for each; all but the first are empty.
    """

    entity: str
    start: int
    end: int
    new_start: int
    replacement: str
    detector: str
    score: float


@dataclass(frozen=True)
class Redacted:
    """A redacted text and what was replaced in it, in the order of the text."""

    text: str
    replacements: tuple[Replacement, ...]


class Redactor:
    """Finds and replaces. Loads in under a second after its imports; needs no network; may be pickled.

    `keywords_only` does without Hyperscan; the answers are the same.

    >>> Redactor().redact("mail = 'k.mueller@zoo-berlin.de'", "a.py", "Python").text
    "mail = 'user1@example.com'"
    """

    def __init__(self, keywords_only: bool = False) -> None:
        self._keywords_only = keywords_only
        self._analyzer = Analyzer(keywords_only)
        self.version = redactor_version()

    def __reduce__(self) -> tuple[type["Redactor"], tuple[bool]]:
        return type(self), (self._keywords_only,)  # compiled patterns are built anew in each worker

    def redact(self, text: str, path: str, language: str | None) -> Redacted:
        """The text with placeholders, and a row for each of them.

        Raises RejectRecord with the code `redaction_breaks_syntax` where a file that could be parsed (Python, JSON,
        TOML) no longer can be, and `redaction_not_settled` where the rounds do not come to an end. Such a file is
        left out rather than written half done.
        """
        current, placed = self._replaced(text, path, language, SECRETS | PERSONAL)
        return self._finished(text, current, placed, path, language)

    def without_secrets(self, text: str) -> str:
        r"""The text with placeholders for keys and passwords; names and addresses stay, as a notice must have them.

        Raises RejectRecord with the code `redaction_not_settled`, as `redact` does.

        >>> Redactor().without_secrets("(c) 2020 Eva <eva@zoo-berlin.de>\npassword = 'kF9-xQ2!vT7z'")
        "(c) 2020 Eva <eva@zoo-berlin.de>\npassword = 'PASSWORD_1_REDACTED'"
        """
        return self._replaced(text, "", None, SECRETS)[0]

    def _replaced(self, text: str, path: str, language: str | None, wanted: Collection[str]) -> tuple[str, Placed]:
        spans: list[Hit] = []
        current, placed = text, Placed([])
        for turn in range(MOST_ROUNDS):
            hits = [hit for hit in self._analyzer.find(current, path, language) if hit.entity in wanted]
            if not hits:
                return current, placed
            spans = with_repeats(text, merged(spans, [placed.in_original(hit, turn) for hit in hits]))
            current, placed = render(text, spans)
        raise RejectRecord(
            "the redaction of a file did not settle",
            "The file is left out. It holds text that looks like a secret again each time a part of it is replaced.",
            "redaction_not_settled",
        )

    def finds_in_name(self, name: str) -> bool:
        """Whether a path, or the name of a repository, holds what would be replaced in a text.

        Its parts are looked at alone too, with and without endings: behind `/` or before `.py` an address is none.

        >>> redactor = Redactor()
        >>> redactor.finds_in_name("mails/k.mueller@zoo-berlin.de.py"), redactor.finds_in_name("src/password/reset.py")
        (True, False)
        """
        parts = name.split("/")
        stems = [part.rsplit(".", endings)[0] for part in parts for endings in (1, 2)]
        return bool(self._analyzer.find("\n".join(dict.fromkeys((name, *parts, *stems))), "", None))

    def _finished(self, text: str, redacted: str, placed: Placed, path: str, language: str | None) -> Redacted:
        if placed.marks and parses(redacted, path, language) is False and parses(text, path, language):
            raise RejectRecord(
                "a file could be parsed before its redaction and cannot be parsed after it",
                "The file is left out. A placeholder stands where the language wants something else.",
                "redaction_breaks_syntax",
            )
        return Redacted(redacted, tuple(self._row(*mark) for mark in placed.marks))

    def _row(self, hit: Hit, new_start: int, mark: str) -> Replacement:
        return Replacement(hit.entity, hit.start, hit.end, new_start, mark, f"{hit.rule}@{self.version}", hit.score)

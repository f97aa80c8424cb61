"""The words of a text, each with its line and its sentence.

In: the lines of a text. Out: its words as the detector cuts them, in small letters. One pass, 0.1 ms for 300 words.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

# The detector's own idea of a word. Everything but a word that may end a sentence is a piece of its own.
_PIECE = re.compile(r"([^_\W]+\+?[^_\W]*)|[.;:!?](?=\s|$)")
_ITEM = re.compile(r"^\W*(?:[0-9]{1,2}|[a-z]|[ivx]{1,4})[.)]\s|^\s*[-*•]\s", re.IGNORECASE)


@dataclass(frozen=True)
class Words:
    """Words with the number of their line (from 1) and of their sentence.

    A list item and a line without words begin a sentence.
    """

    words: tuple[str, ...]
    lines: tuple[int, ...]
    sentences: tuple[int, ...]

    def without_lines(self, lines: Collection[int]) -> "Words":
        """The words that stand on other lines."""
        kept = [n for n, line in enumerate(self.lines) if line not in lines]
        words, places, sentences = self.words, self.lines, self.sentences
        return Words(tuple(words[n] for n in kept), tuple(places[n] for n in kept), tuple(sentences[n] for n in kept))


def words_of(lines: Sequence[str], passed_over: Collection[str] = ()) -> Words:
    """The words of some lines without those that are passed over.

    >>> words_of(["Use it. Not", "for war!"])
    Words(words=('use', 'it', 'not', 'for', 'war'), lines=(1, 1, 1, 2, 2), sentences=(0, 0, 1, 1, 1))
    """
    words: list[str] = []
    places: list[int] = []
    sentences: list[int] = []
    sentence = 0
    for number, line in enumerate(lines, 1):
        if not any(map(str.isalnum, line)) or _ITEM.match(line):
            sentence += 1
        for piece in _PIECE.finditer(line.lower()):
            if piece[1] is None:
                sentence += 1
            elif piece[1] not in passed_over:
                words.append(piece[1])
                places.append(number)
                sentences.append(sentence)
    return Words(tuple(words), tuple(places), tuple(sentences))

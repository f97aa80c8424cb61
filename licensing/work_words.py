"""The nouns by which a text names the work that it stands in: "this library", "the code", "our game".

In: nothing. Out: one list for all rules that ask whether a sentence is about the work; each adds only what it alone
needs. Groups of plain words, to stand behind "this" and between blanks or signs, in any letters.
"""

_NOUNS = """
application app bot client codebase component crate distribution driver engine extension framework game gem
implementation library module package plugin plug-in product program project release repo repository server system
template theme tool toolkit utility work
"""
_ALWAYS = r"software|(?:source ?)?code|sources?|files?|scripts?|contents?|computer programs?"
# One work. "The following libraries are under the MIT license" speaks of others as often as not.
WORK = rf"(?:{'|'.join(_NOUNS.split())}|{_ALWAYS})"
# One or more, where a rule takes something away.
WORKS = rf"(?:{'|'.join(f'{n[:-1]}(?:y|ies)' if n.endswith('y') else f'{n}s?' for n in _NOUNS.split())}|{_ALWAYS})"

"""Questions: what a packaged SQL file asks, read from the comment lines at its head.

In: the text of one `.sql` file. Out: a `Question`. The head has one line for each fact, in any order after the first:

    -- Bad result: any row. Each is a file that ...
    -- Question: Which kept files ...?
    -- Must be empty: yes
    -- Needs: decisions, repos
    -- Parameter repo (required): owner/name of a repository
    -- Parameter threshold (default 80): score, 0 to 100

A line `--   more words` continues the line above. A head that breaks these rules raises `HeaderError`.

A query does not compare with the parameter `repo`: it reads the ids of the repositories that are meant from `named`.
"""

import re
from dataclasses import dataclass

_FACT = re.compile(r"-- ([A-Z][a-z ]*)(?: ([a-z_]+) \(([^()]*)\))?: (\S.*)")
_VARIABLE = re.compile(r"\$([a-z_]+)")
# The parameter that names a repository, and the view of all that bear this name.
REPOSITORY = "repo"
# The parameter that names a content.
CONTENT = "blob"
_NAMED = re.compile(r"\b(?:FROM|JOIN) named\b")
_FACTS = ("Bad result", "Question", "Must be empty", "Needs")


class HeaderError(ValueError):
    """The head of a question's file is malformed; the message names the file and the line."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a question. `default` is None where the asker must give a value."""

    name: str
    meaning: str
    default: str | None


@dataclass(frozen=True)
class Question:
    """One audit question: what it asks, what a bad result looks like, and the query that answers it.

    `needs` are the tables that the query reads, as views `stg_<table>`. Where `must_be_empty` is true, any row stops
    a release.
    """

    name: str
    title: str
    bad_result: str
    parameters: tuple[Parameter, ...]
    needs: tuple[str, ...]
    must_be_empty: bool
    sql: str

    def is_required(self, name: str) -> bool:
        """Whether the asker must give a value for a parameter."""
        return any(parameter.name == name and parameter.default is None for parameter in self.parameters)


def parse(name: str, text: str) -> Question:
    """The question in the text of a file.

    >>> parse("x", "-- Bad result: none.\\n-- Question: How many?\\n-- Must be empty: no\\n-- Needs: files\\n"
    ...            "SELECT count(*) AS files FROM stg_files\\nORDER BY files\\n").title
    'How many?'
    """
    facts, parameters = _head(name, text)
    if facts["Must be empty"] not in ("yes", "no"):
        raise HeaderError(f"{name}: 'Must be empty' is neither yes nor no")
    question = Question(
        name,
        facts["Question"],
        facts["Bad result"],
        tuple(parameters),
        tuple(part.strip() for part in facts["Needs"].split(",")),
        facts["Must be empty"] == "yes",
        text,
    )
    _check(question)
    return question


def _head(name: str, text: str) -> tuple[dict[str, str], list[Parameter]]:
    facts: dict[str, str] = {}
    parameters: list[Parameter] = []
    for line in _joined(text):
        match = _FACT.fullmatch(line)
        if not match:
            raise HeaderError(f"{name}: this line of the head is not of the form 'Fact: words': {line}")
        fact, parameter, how, words = match.groups()
        if fact == "Parameter" and parameter:
            parameters.append(Parameter(parameter, words, _default(name, how)))
        elif fact in _FACTS and not parameter and fact not in facts:
            facts[fact] = words
        else:
            raise HeaderError(f"{name}: unknown or repeated line of the head: {line}")
    if missing := [fact for fact in _FACTS if fact not in facts]:
        raise HeaderError(f"{name}: the head lacks: {', '.join(missing)}")
    if next(iter(facts)) != "Bad result":
        raise HeaderError(f"{name}: the first line does not say what a bad result looks like")
    return facts, parameters


def _joined(text: str) -> list[str]:
    """The comment lines at the head, with continued lines joined."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if line.startswith("--   ") and lines:
            lines[-1] += " " + line[5:].strip()
        else:
            lines.append(line.rstrip())
    return lines


def _default(name: str, how: str) -> str | None:
    if how == "required":
        return None
    if how == "default none":
        return ""
    if how.startswith("default "):
        return how.removeprefix("default ")
    raise HeaderError(f"{name}: a parameter is neither 'required' nor has a 'default'")


def _check(question: Question) -> None:
    body = question.sql
    used = set(_VARIABLE.findall(body)) | ({REPOSITORY} if _NAMED.search(body) else set())
    declared = [parameter.name for parameter in question.parameters]
    if used != set(declared) or len(used) != len(declared):
        raise HeaderError(f"{question.name}: the parameters of the head and of the query differ")
    read = set(re.findall(r"\bstg_([a-z_]+)", body))
    if read != set(question.needs) or len(read) != len(question.needs):
        raise HeaderError(f"{question.name}: 'Needs' and the views that the query reads differ")
    if question.must_be_empty and any(parameter.default is None for parameter in question.parameters):
        raise HeaderError(f"{question.name}: a question that must be empty can be asked without arguments")
    if not re.search(r"^ORDER BY ", body, re.MULTILINE):
        raise HeaderError(f"{question.name}: the query does not end in ORDER BY")

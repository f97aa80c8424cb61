"""Errors, named by what happens next.

In: a message and a hint. Out: exceptions, in a tree:

    GleaneryError
    ├── StopRun        the run stops: the person at the keyboard has to change something
    ├── RejectRecord   this record becomes a dead letter, and the run goes on
    └── TryAgain       the same call may go through later: a time-out, a busy server

Each carries one line for people and a hint with the way out. Neither may hold a value from the input.
"""


class GleaneryError(Exception):
    """A message that names the thing and the value, and a hint that names the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["GleaneryError"], tuple[str, str]]:
        return type(self), (self.message, self.hint)  # so that it survives the way back from a worker process


class StopRun(GleaneryError):
    """The run cannot go on until a person changes something."""


class RejectRecord(GleaneryError):
    """One record cannot be processed; it becomes a dead letter and the run goes on."""

    def __init__(self, message: str, hint: str = "", code: str = "unreadable") -> None:
        super().__init__(message, hint)
        self.code = code

    def __reduce__(self) -> tuple[type["RejectRecord"], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), (self.message, self.hint, self.code)


class TryAgain(GleaneryError):
    """The call failed in a way that may pass."""

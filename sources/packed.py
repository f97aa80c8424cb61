"""What tars and zips have in common: the two ways in which they are refused, and the folder that they begin with.

In: raw paths as an archive lists them. Out: errors, and paths without the common folder. Costs nothing to speak of.
"""

from gleanery.records.errors import RejectRecord


def damaged() -> RejectRecord:
    """The error for an archive that cannot be read to its end."""
    return RejectRecord("the archive is damaged or cut off", "get it again", "damaged")


def bomb() -> RejectRecord:
    """The error for an archive that unpacks to far more than it is."""
    return RejectRecord(
        "the archive unpacks to more than crawl.max_expansion or crawl.max_repository_bytes allow",
        "if it is meant to, raise them",
        "expands_too_much",
    )


def without_dot(raw: bytes) -> bytes:
    """The path without the `./` that packing programs write for the current folder.

    >>> without_dot(b"./src/a.py")
    b'src/a.py'
    """
    return raw.removeprefix(b"./")

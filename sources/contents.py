"""Contents: is it text that can be taken, a Git LFS pointer, or binary?

In: the bytes of one file. Out: a reason code, or None. Costs one look at the first 8,000 bytes, as in git; only files
that begin with a UTF-16 mark are decoded whole.
"""

import codecs

_LFS_HEAD = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_SIZE = 1024  # the format's own bound: a pointer is smaller than this
_LOOKED_AT = 8000  # git's FIRST_FEW_BYTES


def reason_to_skip(content: bytes) -> str | None:
    r"""`lfs_pointer`, `binary` or None.

    >>> reason_to_skip(b"print(1)\n"), reason_to_skip(b"a\x00b"), reason_to_skip("é".encode("utf-16"))
    (None, 'binary', None)
    """
    if len(content) < _LFS_SIZE and content.startswith(_LFS_HEAD):
        return "lfs_pointer"
    if b"\x00" in content[:_LOOKED_AT] and not _is_utf16(content):
        return "binary"
    return None


def _is_utf16(content: bytes) -> bool:
    """UTF-16 with its mark, and decodable to the end. The mark of UTF-32 begins like that of UTF-16."""
    if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or content.startswith(codecs.BOM_UTF32_LE):
        return False
    try:
        content.decode("utf-16")
    except UnicodeDecodeError:
        return False
    return True

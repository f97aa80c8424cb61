"""Which folders speak for a folder: those with a licence, with others' words, with notices and with records.

In: the files of a repository that speak of licences, by folder and role. Out: for any folder a `Place`. Every folder
that holds files is looked at once, 3 µs each at a usual depth. Folders on the way to it are not remembered unless they
speak: in git a chain of folders may stand in a thousand places and be stored once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gleanery.licensing.names import is_vendored_folder
from gleanery.licensing.paths import folder_of, ways_down
from gleanery.licensing.statements import FileFacts, speaks_of_owners


@dataclass(frozen=True)
class Place:
    """The folders that speak for one folder, the nearest first: those with a licence, with others' words, with notices
    and with records. A licence file further up than the nearest is in `licensed` too.
    """

    licensed: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    noticed: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()


class Places:
    """The places of one repository. `declared`: a registry speaks for its root."""

    def __init__(self, speaking: Mapping[str, dict[str, list[FileFacts]]], declared: bool) -> None:
        self._speaking = speaking
        self._declared = declared
        self._places: dict[str, Place] = {}

    def of(self, folder: str) -> Place:
        """Walk down to a folder from the root; nothing above third-party code speaks for it."""
        if folder in self._places:
            return self._places[folder]
        place = self._known("", Place())
        for at, name in ways_down(folder):
            if is_vendored_folder(name, folder_of(at).rpartition("/")[2]):
                place = Place(recorded=place.recorded)  # a record names the files of third parties too
            if at in self._speaking:
                place = self._known(at, place)
        self._places[folder] = place
        return place

    def _known(self, folder: str, above: Place) -> Place:
        """The place of a folder that speaks, which is made once for all below it."""
        if folder not in self._places:
            self._places[folder] = self._in(folder, above)
        return self._places[folder]

    def _in(self, folder: str, above: Place) -> Place:
        roles = self._speaking.get(folder, {})
        licensed = _is_licensed(roles)
        described = not roles.keys() <= {"reuse"} or (folder == "" and self._declared)
        noticed = () if licensed else above.noticed
        return Place(
            (folder, *above.licensed) if licensed else above.licensed,
            (folder, *above.described) if described else above.described,
            (folder, *noticed)
            if not roles.keys().isdisjoint(("notice", "part", "third_parties", "documents"))
            else noticed,
            (folder, *above.recorded) if "reuse" in roles else above.recorded,
        )


def _is_licensed(roles: dict[str, list[FileFacts]]) -> bool:
    """Whether a folder has a licence of its own. A file COPYRIGHT that names owners only does not make one."""
    files = roles.get("license", []) + roles.get("license_folder", [])
    return any(x.outcome != "none" or not speaks_of_owners(f.path, x) for f in files for x in f.whole)

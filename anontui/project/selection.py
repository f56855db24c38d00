"""A file selection: the files of one source, relative to the folder that it lies in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from anontui.errors import ProjectError
from anontui.project import files

FILENAME = "fileselection.txt"
_NAMES = ("description", "id", "selected_paths")

# Windows drops dots and spaces at the end of a name, so ".. ." is ".." there.
_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])? *\.\.[. ]*(?:[/\\]|$)", re.DOTALL)
_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Selection:
    """What ``fileselection.txt`` says.

    ``paths`` are relative to the file's own folder, on or below it, with "/" between
    folders. What the file says under other names stays in it.
    """

    description: str
    id: str
    paths: tuple[str, ...]

    @classmethod
    def new(cls, description: str, paths: tuple[str, ...]) -> Selection:
        """Return a selection with an id of its own, without its own file."""
        own = tuple(path for path in paths if path != FILENAME)
        return cls(description, str(uuid4()), own)

    @classmethod
    def load(cls, path: Path) -> Selection:
        """Read a selection file.

        Raises
        ------
        ProjectError
            If it is missing or no selection, or a path leads out of its folder.
        """
        return cls.loads(files.read_bytes(path, "file selection"))

    @classmethod
    def loads(cls, data: bytes) -> Selection:
        """Read the content of a selection file (errors as :meth:`load`)."""
        from anontui.project.yamlfile import load_yaml

        content = load_yaml(data, "file selection", _NAMES)
        description, id_ = content.get("description", ""), content.get("id", "")
        paths = content.get("selected_paths") or []
        if (
            "selected_paths" not in content
            or not isinstance(paths, list)
            or not isinstance(description, str)
            or not isinstance(id_, str)
        ):
            raise ProjectError(
                "The file selection has no list selected_paths, or another value is no text",
                advice="Make the selection again.",
            )
        selection = cls(description, id_, tuple(path.replace("\\", "/") for path in paths))
        selection._check()
        return selection

    def dumps(self) -> bytes:
        r"""Return the content of the file.

        Raises
        ------
        ProjectError
            If a path leads out of the folder, or is one that YAML or Windows cannot say: it
            holds a control character, undecodable bytes, or a backslash.
        """
        from anontui.project.yamlfile import dump_yaml

        self._check()
        if any("\\" in path for path in self.paths):
            raise ProjectError(
                "A file's name holds a backslash, which a server takes for a folder",
                advice="Rename the file, or leave it out.",
            )
        return dump_yaml(
            {
                "description": self.description,
                "id": self.id or str(uuid4()),
                "selected_paths": list(self.paths),
            }
        )

    def save(self, path: Path) -> None:
        """Write the file, atomically (errors as :meth:`dumps`, and if it cannot be written).

        What a file that is there says under names that are not ours is kept.
        """
        from anontui.project.yamlfile import unknown_in

        data = self.dumps()
        files.write_bytes(path, data + unknown_in(path, _NAMES), "file selection")

    def _check(self) -> None:
        for number, path in enumerate(self.paths, 1):
            if not path or _OUTSIDE.match(path):
                raise ProjectError(
                    f"Path {number} of the file selection leads out of its folder",
                    advice="Write paths relative to the file selection, without '..'.",
                )
            if _UNWRITABLE.search(path):
                raise ProjectError(
                    f"Path {number} of the file selection holds a character that no text has",
                    advice="Rename the file, or leave it out.",
                )

"""The batch of a folder: the ids of its jobs, and the server that has them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import ProjectError, UsageError
from anontui.project import files

FILENAME = ".anonbatch"
_NAMES = ("job_ids", "server")
MOST_IDS = 100_000
_ID = r"[0-9]{1,18}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs of one server, each once, in the order of their numbers."""

    job_ids: tuple[int, ...]
    server_name: str
    server_url: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "job_ids", tuple(sorted(set(self.job_ids))))

    @classmethod
    def load(cls, folder: Path) -> Batch | None:
        """Read the batch of a folder; None if it has none.

        Raises
        ------
        ProjectError
            If it is unreadable or no batch.
        """
        from anontui.project.yamlfile import load_yaml

        path = folder / FILENAME
        if not path.exists():
            return None
        content = load_yaml(files.read_bytes(path, "batch"), "batch", _NAMES)
        ids, server = content.get("job_ids"), content.get("server")
        ids = [] if ids == "" else ids
        if (
            not isinstance(ids, list)
            or not all(re.fullmatch(_ID, id_) for id_ in ids)
            or not isinstance(server, dict)
            or not server.get("name")
            or not server.get("url")
        ):
            raise ProjectError(
                f"The batch {FILENAME} is no list of job ids with a server's name and url",
                advice="Correct it with a text editor, or delete it and make a new one.",
            )
        return cls(tuple(map(int, ids)), server["name"], server["url"])

    def save(self, folder: Path) -> None:
        """Write the batch of a folder, atomically.

        What a batch that is there says under names that are not ours is kept.

        Raises
        ------
        ProjectError
            If it cannot be written.
        """
        from anontui.project.yamlfile import dump_yaml, unknown_in

        data = dump_yaml(
            {
                "job_ids": [str(id_) for id_ in self.job_ids],
                "server": {"name": self.server_name, "url": self.server_url},
            }
        )
        path = folder / FILENAME
        files.write_bytes(path, data + unknown_in(path, _NAMES), "batch")

    @staticmethod
    def delete(folder: Path) -> None:
        """Delete the batch of a folder; its jobs, and the record of them, stay.

        Raises
        ------
        ProjectError
            If there is none, or it cannot be deleted.
        """
        try:
            (folder / FILENAME).unlink()
        except FileNotFoundError:
            raise ProjectError("This folder has no batch", advice="Check the folder.") from None
        except OSError as error:
            raise ProjectError(
                "The batch cannot be deleted",
                advice="Check that you may write in its folder.",
                cause=files.reason(error),
            ) from None


def parse_job_ids(words: Iterable[str]) -> tuple[int, ...]:
    """Read job ids as people write them: ``1 2 3``, ``20-35`` (both count), ``1,4-7``.

    Returns
    -------
    Each id once, in the order of their numbers.

    Raises
    ------
    UsageError
        If a part is no id or range, a range runs backwards, there is none, or there are more
        than 100,000.
    """
    found: set[int] = set()
    for part in ",".join(words).replace(" ", ",").split(","):
        if not part:
            continue
        match = re.fullmatch(rf"({_ID})(?:-({_ID}))?", part)
        if not match:
            raise UsageError(f"{part!r} is no job id", advice="Write ids as 1 2 3, 5-12 or 1,4-7.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(
                f"The range {part} runs backwards", advice=f"Write {last}-{first} if you mean that."
            )
        if last - first >= MOST_IDS or len(found) + last - first >= MOST_IDS:
            raise UsageError(
                f"These are more than {MOST_IDS:,} job ids", advice="Check the range, or split it."
            )
        found.update(range(first, last + 1))
    if not found:
        raise UsageError("No job id is given", advice="Write ids as 1 2 3, 5-12 or 1,4-7.")
    return tuple(sorted(found))

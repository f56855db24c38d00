r"""The projects: who may use them, what they read and write, and how they de-identify.

``projects/<name>/project.yml`` in the server's data folder::

    description: Lung screening, round two
    users: [z123456, z654321]              # admins see every project
    policy: policy.yml                     # the one beside this file by default
    sources: ['\\server\share\lung']       # below which jobs read; by default all shares
    destinations: ['\\server\share\out']   # below which jobs write; by default all shares
    opt_out: opted-out.txt                 # patient IDs, one a line
    hook: after.py:function                # or module:function, or a program
    pseudonyms: '{site}-{n:06d}'           # for jobs without one; site: S01
    layout: '{patient}/{study}/{series}/{instance}.dcm'  # as without it
    archives: [PACS]                       # nodes where jobs find and collect, the default first
    targets: [RESEARCH]                    # nodes to which jobs may deliver
    receive: LUNG                          # what is sent to this AE title is for the project
    destination: node:RESEARCH             # where received and imported data go, or a UNC path

Files are named as seen from the project file. Everything may be left out; but a project
without users serves admins only. The projects that ``server.yml`` lists need no file, and
are open to every user of the server unless they have one.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.deid.readers.texts import lines_of, read_text, shown
from anontui.deid.readers.yamlnodes import Node, load_nodes
from anontui.errors import DeidError, SettingsError, UsageError
from anontui.server.config import ConfigFile, ae_title, check_names, text_list, told_of
from anontui.server.incoming import Incoming
from anontui.server.layouts import DEFAULT, check_layout
from anontui.server.nodes import Nodes, can_retrieve
from anontui.server.places import Places, safe_name
from anontui.server.templates import check_template
from anontui.server.users import Role
from anontui.unc import normalise

if TYPE_CHECKING:
    from anontui.deid import Policy

FILE = "project.yml"
POLICY = "policy.yml"
KEYS = (
    "name",
    "description",
    "users",
    "policy",
    "sources",
    "destinations",
    "opt_out",
    "hook",
    "layout",
    "pseudonyms",
    "site",
    "archives",
    "targets",
    "receive",
    "destination",
)
TO_NODE = "node:"
_ENTRY_POINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Project:
    """A project as its file has it.

    ``users`` None is every user of the server; no ``sources`` or ``destinations`` are all
    shares; ``hook`` is ``module:function`` or the path of a program; ``pseudonyms`` is the
    template for jobs without one, its site filled in. ``archives`` and ``targets`` are names of
    nodes; ``receive`` is an AE title of ours; ``destination`` is a UNC path, or ``node:`` and
    one of the targets.
    """

    name: str
    description: str = ""
    users: frozenset[str] | None = frozenset()
    policy: Path | None = None
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    opt_out: Path | None = None
    hook: str = ""
    layout: str = DEFAULT
    pseudonyms: str = ""
    archives: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    receive: str = ""
    destination: str = ""

    def read_policy(self) -> Policy:
        """Read its policy anew; the basic profile without options if it has none.

        Raises
        ------
        DeidError
            If a file is wrong; it names the project, the file and the line.
        """
        from anontui.deid import Policy
        from anontui.deid.readers.policyfile import read_policy

        try:
            policy = read_policy(self.policy) if self.policy else Policy.basic()
            if self.opt_out is None:
                return policy
            patients = frozenset(filter(None, map(str.strip, lines_of(read_text(self.opt_out)))))
        except DeidError as error:
            raise DeidError(
                f"Project {self.name}: {error.message}", advice=error.advice, cause=error.cause
            ) from error
        filters = replace(policy.filters, opt_out=policy.filters.opt_out | patients)
        return replace(policy, filters=filters)

    def is_open_to(self, user: str) -> bool:
        """True if this user, who is no admin, is connected to it."""
        return self.users is None or user in self.users


class Projects:
    """The projects of a server, read again when a file changes.

    A project whose file is wrong serves nobody until it is corrected; the others go on.

    Parameters
    ----------
    folder
        Where their folders are.
    config
        The shares, and the projects open to all.
    data
        The server's data folder, which no job may touch.
    """

    def __init__(self, folder: Path, config: ConfigFile, data: Path) -> None:
        self._folder = folder
        self._config = config
        self._data = data
        self.nodes = Nodes(data)
        """The archives that projects may name."""
        self.incoming = Incoming(data)
        """Where files are that come from archives."""
        self._read: dict[Path, tuple[tuple[int, ...], Project | SettingsError]] = {}

    def all(self) -> dict[str, Project]:
        """The projects by name, without those whose file is wrong.

        Raises
        ------
        SettingsError
            If ``server.yml`` is wrong, or the folder cannot be read.
        """
        found, broken = self._found()
        return {name: one for name, one in found.items() if safe_name(name) not in broken}

    def of(self, name: str) -> Project:
        """The project of this name.

        Raises
        ------
        SettingsError
            If there is none, or its file is wrong.
        """
        found, broken = self._found()
        if safe_name(name) in broken:
            raise broken[safe_name(name)]
        if name not in found:
            raise SettingsError(f"There is no project {shown(name)}", advice="Make its folder.")
        return found[name]

    def seen_by(self, user: str, role: Role) -> frozenset[str] | None:
        """The projects whose jobs a user may see and touch; None is all there ever were."""
        if role is Role.ADMIN:
            return None
        return frozenset(name for name, one in self.all().items() if one.is_open_to(user))

    def places(self, name: str) -> Places:
        """What jobs of a project may read and write.

        Raises
        ------
        SettingsError
            If there is no such project, or its file or ``server.yml`` is wrong.
        """
        project = self.of(name)
        return Places(
            self._config.current().shares, self._data, project.sources, project.destinations
        )

    def policy(self, name: str) -> Policy:
        """The policy of a project, read anew for each job, so that a change holds at once.

        Raises
        ------
        DeidError
            If its file is wrong; it names the project, the file and the line.
        SettingsError
            If there is no such project, or its project file is wrong.
        """
        return self.of(name).read_policy()

    def problems(self) -> Iterator[SettingsError | DeidError]:
        """Look at everything and yield what is wrong, each with its file and line."""
        try:
            found, broken = self._found()
            shares = self._config.current().shares
        except SettingsError as error:
            yield error
            return
        yield from broken.values()
        yield from self._problems_of_nodes(
            [one for name, one in found.items() if safe_name(name) not in broken]
        )
        for name, project in found.items():
            if safe_name(name) in broken:
                continue
            for key, uncs in (("sources", project.sources), ("destinations", project.destinations)):
                for unc in uncs:
                    if shares.to_local(unc) is None:
                        yield SettingsError(
                            f"Project {name}: {key}: {unc} is not on a share of this server",
                            advice="Name its share in server.yml, or correct the project file.",
                        )
            if project.policy is None and project.opt_out is None:
                continue  # nothing to read: an idle server does without the engine's libraries
            try:
                project.read_policy()
            except DeidError as error:
                yield error

    def _problems_of_nodes(self, projects: list[Project]) -> Iterator[SettingsError]:
        try:
            nodes = self.nodes.current()
        except SettingsError as error:
            yield error
            return
        receivers: dict[str, str] = {}
        for project in projects:
            for key, names in (("archives", project.archives), ("targets", project.targets)):
                for name in names:
                    if name not in nodes:
                        yield SettingsError(
                            f"Project {project.name}: {key}: there is no node {name}",
                            advice="Add it: anontui pacs node add, or correct the project file.",
                        )
                    elif key == "archives" and not can_retrieve(nodes[name]):
                        yield SettingsError(
                            f"Project {project.name}: {key}: nothing can be had from {name}",
                            advice="Give the node a DIMSE or DICOMweb address.",
                        )
            other = receivers.setdefault(project.receive, project.name)
            if project.receive and other != project.name:
                yield SettingsError(
                    f"Projects {other} and {project.name} both receive as {project.receive}",
                    advice="Give each an AE title of its own.",
                )

    def _found(self) -> tuple[dict[str, Project], dict[str, SettingsError]]:
        found = {name: self._plain(name) for name in self._config.current().projects}
        broken: dict[str, SettingsError] = {}
        for path in self._files():
            project = self._load(path)
            if isinstance(project, Project):
                found[project.name] = project
            else:
                broken[path.parent.name] = project
        return found, broken

    def _plain(self, name: str) -> Project:
        policy = self._folder / safe_name(name) / POLICY
        return Project(name, users=None, policy=policy if policy.exists() else None)

    def _files(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                folders = sorted(entry.path for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SettingsError(
                f"The projects in {self._folder} cannot be read",
                cause=error.strerror or "",
                advice="Make the folder yours to read.",
            ) from error
        return [Path(folder, FILE) for folder in folders if os.path.lexists(Path(folder, FILE))]

    def _load(self, path: Path) -> Project | SettingsError:
        try:
            state = path.stat()
        except OSError as error:
            return SettingsError(f"{path} cannot be read", cause=error.strerror or "")
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        known = self._read.get(path)
        if known is None or known[0] != version:
            try:
                read: Project | SettingsError = read_project(path)
            except SettingsError as error:
                log.error("event=project text=%r", error.sentence())
                read = error
            known = self._read[path] = (version, read)
        return known[1]


def read_project(path: Path) -> Project:
    """Read a project file; see this module for what it may hold.

    Raises
    ------
    SettingsError
        With file and line, if anything in it is not understood.
    """
    with told_of(path):
        given = load_nodes(read_text(path), str(path)).names()
        check_names(given, KEYS)
        targets = _texts(given.get("targets"))
        return Project(
            name=_name(given.get("name"), path.parent.name),
            description=given["description"].text() if "description" in given else "",
            users=frozenset(text_list(given["users"])) if "users" in given else frozenset(),
            policy=_policy(given.get("policy"), path.parent),
            sources=_roots(given.get("sources")),
            destinations=_roots(given.get("destinations")),
            opt_out=_file(given.get("opt_out"), path.parent),
            hook=_hook(given.get("hook"), path.parent),
            layout=_layout(given.get("layout")),
            pseudonyms=_template(given.get("pseudonyms"), given.get("site")),
            archives=_texts(given.get("archives")),
            targets=targets,
            receive=_receive(given),
            destination=_destination(given, targets),
        )


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(text_list(node)) if node is not None else ()


def _name(node: Node | None, folder: str) -> str:
    name = node.text() if node is not None else folder
    if node is not None and safe_name(name) != folder:
        raise DeidError(
            f"{node.where}: the folder of project {shown(name)} is {safe_name(name)}",
            advice="Rename the folder.",
        )
    return name


def _policy(node: Node | None, folder: Path) -> Path | None:
    if node is not None:
        return _file(node, folder)
    return folder / POLICY if (folder / POLICY).exists() else None


def _roots(node: Node | None) -> tuple[str, ...]:
    roots = []
    for item in node.items() if node is not None else ():
        try:
            roots.append(normalise(item.text()))
        except UsageError as error:
            raise DeidError(f"{item.where}: {error.message}", advice=error.advice) from error
    return tuple(roots)


def _file(node: Node | None, folder: Path) -> Path | None:
    if node is None or not node.text():
        return None
    path = folder / node.text()
    if not path.is_file():
        raise DeidError(
            f"{node.where}: there is no file {shown(node.text())}",
            advice="Name it as seen from the project file.",
        )
    return path


def _hook(node: Node | None, folder: Path) -> str:
    if node is None or _ENTRY_POINT.fullmatch(node.text()):
        return node.text() if node is not None else ""
    return str(_file(node, folder) or "")


def _template(node: Node | None, site: Node | None) -> str:
    if node is None or not node.text():
        return ""
    try:
        return check_template(node.text(), site.text() if site is not None else "")
    except UsageError as error:
        raise DeidError(f"{node.where}: {error.message}", advice=error.advice) from error


def _destination(given: Mapping[str, Node], targets: tuple[str, ...]) -> str:
    node = given.get("destination")
    if node is None or not node.text():
        return ""
    if not node.text().startswith(TO_NODE):
        return _roots(node)[0]
    if node.text().removeprefix(TO_NODE) not in targets:
        raise DeidError(
            f"{node.where}: {shown(node.text())} is none of the targets",
            advice="Name the node in targets, too.",
        )
    return node.text()


def _receive(given: Mapping[str, Node]) -> str:
    node = given.get("receive")
    if node is None or not node.text():
        return ""
    title = ae_title(node)
    if not all(name in given and given[name].text() for name in ("destination", "pseudonyms")):
        raise DeidError(
            f"{node.where}: what is received needs a destination and pseudonyms",
            advice="Write both into the project file.",
        )
    return title


def _layout(node: Node | None) -> str:
    if node is None or not node.text():
        return DEFAULT
    try:
        return check_layout(node.text())
    except UsageError as error:
        raise DeidError(f"{node.where}: {error.message}", advice=error.advice) from error

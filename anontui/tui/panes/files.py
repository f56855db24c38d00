"""Pane 2: the project's folders; marks become fileselections and mapping rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anontui.tui.filtering import sort_key
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.dicom.header import FolderSummary
    from anontui.operations.selecting import SelectedFolder


AROUND = 60
"""Rows on both sides of the cursor whose files are asked for their size, more than are in view:
a share takes a millisecond for each, so that asking all of a large folder takes long."""


@dataclass(eq=False)
class Node:
    """A folder or file of the tree.

    ``children`` is None while it was never opened, ``size`` while nobody asked for it.
    """

    path: Path
    is_folder: bool
    depth: int
    size: int | None = None
    expanded: bool = False
    children: list[Node] | None = None
    note: tuple[str, str] = field(default=("", ""))

    def shown(self) -> Iterator[Node]:
        """The node and what is open below it, in order."""
        yield self
        if self.expanded:
            for child in self.children or ():
                yield from child.shown()


def read_folder(folder: Path, depth: int) -> list[Node]:
    """What is in a folder: folders first, no dotfiles, no sizes. Runs in the worker."""
    with os.scandir(folder) as entries:
        found = [
            (not entry.is_dir(), sort_key(entry.name), entry.name)
            for entry in entries
            if not entry.name.startswith(".")
        ]
    return [Node(folder / name, not is_file, depth) for is_file, _, name in sorted(found)]


def read_tree(node: Node, opened: Collection[Path] = ()) -> Node:
    """Read a folder and those below it that are to be open; return it. Runs in the worker."""
    node.expanded = True
    try:
        node.children = read_folder(node.path, node.depth + 1)
    except OSError as error:
        node.note, node.children = (error.strerror or "unreadable", "bad"), []
    for child in node.children:
        if child.is_folder and child.path in opened:
            read_tree(child, opened)
    return node


def _weigh(nodes: Sequence[Node]) -> None:
    for node in nodes:
        try:
            node.size = node.path.stat().st_size
        except OSError:
            node.size = 0


def _is_selection(name: str) -> bool:
    return name.startswith("fileselection") and name.endswith(".txt")


def human(size: int) -> str:
    """A size in bytes as a person reads it: ``12 MB``."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return (
        f"{amount:.0f} {units[0]}"
        if amount >= 10 or units[0] == "B"
        else f"{amount:.1f} {units[0]}"
    )


class NodeRows:
    """The open part of the tree, as rows."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def __len__(self) -> int:
        return len(self.nodes)

    def key(self, index: int) -> Path:
        """The path."""
        return self.nodes[index].path

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Name in its place in the tree; what is known of it."""
        node = self.nodes[index]
        sign = ("▾ " if node.expanded else "▸ ") if node.is_folder else "  "
        name = Cell("  " * node.depth + sign + node.path.name, "" if node.is_folder else "dim")
        text, tone = node.note
        return [
            name,
            Cell(text, tone) if text else Cell(human(node.size) if node.size else "", "dim"),
        ]

    def text(self, index: int, column: int) -> str:
        """The path in full, or what is known of it."""
        node = self.nodes[index]
        return (str(node.path), node.note[0] or (human(node.size) if node.size else ""))[column]


class FilesPane(Pane):
    """The folders with the data."""

    label = "Files"
    number = 2
    not_sorted = "a tree has an order of its own"
    columns = (
        Column("name", "name", None, min_width=14),
        Column("what", "", 15, min_width=8, right=True),
    )
    empty = "Nothing here.\n\nPut data into the project folder,\nor name a root_source_path."

    def __init__(self) -> None:
        super().__init__()
        self._roots: list[Node] = []
        self._rows = NodeRows([])
        self._to_expand: set[str] = set()
        self._weighing = False

    def rows(self) -> NodeRows:
        """The open part of the tree."""
        return self._rows

    def title(self) -> list[str | tuple[str, str]]:
        """The root's name."""
        return []

    # -- the tree ------------------------------------------------------------------------

    def project_loaded(self) -> None:
        """Show the project folder, and the root of the sources where that is elsewhere."""
        if self._roots:
            return
        self._roots = [Node(root, True, 0) for root in self._tops()]
        self._show()
        for root in self._roots:
            self._open(root)

    def _node(self, path: Path | None) -> Node | None:
        return next((node for node in self._rows.nodes if node.path == path), None)

    def _show(self) -> None:
        self._rows = NodeRows([node for root in self._roots for node in root.shown()])
        self.grid.set_rows(self._rows)
        self.apply_filter()
        self.show_title()
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Find out the sizes of the files around the cursor that are not known yet."""
        nodes, row = self._rows.nodes, self.grid.cursor_row
        order = range(len(nodes)) if self.grid.order is None else self.grid.order
        near = (nodes[at] for at in order[max(row - AROUND, 0) : row + AROUND])
        unknown = [node for node in near if node.size is None and not node.is_folder]
        if self._weighing or not unknown:
            return

        def done(_: None) -> None:
            self._weighing = False
            self.grid.refresh_rows([node.path for node in unknown])
            self.cursor_moved()

        self._weighing = True
        self.anontui.start("sizes", lambda: _weigh(unknown), done)

    def _open(self, node: Node) -> None:
        node.expanded = True
        if node.children is not None:
            self._show()
            return

        def done(fresh: Node) -> None:
            node.children, node.note = fresh.children, fresh.note if fresh.note[0] else node.note
            self._show()
            for child in (node.children or ()) if self._to_expand else ():
                if str(child.path) in self._to_expand:
                    self._to_expand.discard(str(child.path))
                    self._open(child)

        fresh = Node(node.path, True, node.depth)
        self.anontui.start("folders", lambda: read_tree(fresh), done)

    def open_folder(self) -> None:
        """Open the folder under the cursor, or go to its first child."""
        node = self._node(self.key)
        if node is None or not node.is_folder:
            return
        if node.expanded:
            self.grid.move_cursor(row=self.grid.cursor_row + 1)
        else:
            self._open(node)

    def close_folder(self) -> None:
        """Close the folder under the cursor, or go to its parent."""
        node = self._node(self.key)
        if node is None:
            return
        if node.expanded:
            node.expanded = False
            self._show()
        else:
            self.grid.move_cursor(key=node.path.parent)

    def activated(self) -> None:
        """Open the folder under the cursor, or close it; of a file, its preview."""
        node = self._node(self.key)
        if node is not None and not node.is_folder:
            self.anontui.run_action_named(self.anontui.registry.actions["deid.explain"])
        elif node is not None and node.expanded:
            self.close_folder()
        else:
            self.open_folder()

    def _tops(self) -> list[Path]:
        """The project folder, and the root of the sources where that is elsewhere."""
        model = self.anontui.model
        folders = [model.folder]
        if model.workspace is not None and model.editor is not None:
            unc = model.editor.mapping.option("root_source_path")
            local = model.workspace.share_map().to_local(unc) if unc else None
            if local is not None and not local.is_relative_to(model.folder):
                folders.append(local)
        return folders

    def reread(self) -> None:
        """Read the open folders again; until that is done the tree stays as it is."""
        notes = {node.path: node.note for node in self._rows.nodes}
        opened = {node.path for node in self._rows.nodes if node.expanded}
        roots = [Node(folder, True, 0) for folder in self._tops()]
        opened |= {root.path for root in roots} - {root.path for root in self._roots}

        def work() -> None:
            for root in roots:
                read_tree(root, opened)

        def done(_: None) -> None:
            self._roots = roots
            for root in roots:
                for node in root.shown():
                    node.note = node.note if node.note[0] else notes.get(node.path, ("", ""))
            self._show()

        self.anontui.start("folders", work, done)

    # -- marks, and what they become -----------------------------------------------------

    def nothing_chosen(self) -> str:
        """Need: a folder under the cursor or marked."""
        return "" if self._folders() else "no folder is marked"

    def no_mapping(self) -> str:
        """Need: a mapping to add rows to."""
        if self.anontui.model.editor is None:
            return self.anontui.registry.with_keys(
                "there is no mapping yet ({app.pane-3}, then {map.init})"
            )
        return ""

    def folder(self) -> Path | None:
        """The folder under the cursor, or the one that the file under it lies in."""
        node = self._node(self.key)
        if node is None:
            return None
        return node.path if node.is_folder else node.path.parent

    def no_folder(self) -> str:
        """Need: something under the cursor."""
        return "" if self.folder() else "there is no folder"

    def selection(self) -> Path | None:
        """The selection under the cursor, or that of the folder under it; None without one."""
        from anontui.project.selection import FILENAME

        node = self._node(self.key)
        if node is None:
            return None
        if not node.is_folder:
            return node.path if _is_selection(node.path.name) else None
        names = {child.path.name for child in node.children or ()}
        known = FILENAME in names if node.children is not None else (node.path / FILENAME).exists()
        return node.path / FILENAME if known else None

    def no_selection(self) -> str:
        """Need: a selection."""
        word = "this folder has no selection ({select.add} makes one)"
        return "" if self.selection() else self.anontui.registry.with_keys(word)

    def _folders(self) -> list[Path]:
        nodes = [self._node(path) for path in self.chosen()]
        return [node.path for node in nodes if node is not None and node.is_folder]

    def mark(self) -> None:
        """Mark or unmark what is under the cursor; look what DICOM is in it."""
        node = self._node(self.key)
        super().mark()
        if node is not None and node.is_folder and node.path in self.grid.marks:
            self._look_into(node)

    def _look_into(self, node: Node) -> None:
        def work() -> Any:
            from anontui.dicom.header import summarise
            from anontui.dicom.scan import scan
            from anontui.events import Result

            for event in scan(node.path):
                if isinstance(event, Result):
                    yield from summarise(event.value, node.path)
                else:
                    yield event

        def done(found: FolderSummary) -> None:
            kinds = " ".join(sorted(found.modalities))
            text = f"{found.dicom} of {found.files} {kinds}" if found.dicom else "no DICOM"
            node.note = (text, "good" if found.dicom else "warn")
            self.grid.refresh_rows([node.path])

        node.note = ("looking…", "dim")
        self.grid.refresh_rows([node.path])
        self.anontui.start("files", work, done, label=f"Looking into {node.path.name}")

    def add_to_mapping(self) -> None:
        """Make a fileselection of each marked folder, and a mapping row of each selection."""
        app, folders = self.anontui, self._folders()
        workspace, editor = app.model.workspace, app.model.editor
        assert workspace is not None  # noqa: S101 - the action needs a mapping
        assert editor is not None  # noqa: S101 - the action needs a mapping

        def work() -> Any:
            from anontui.operations.selecting import select_folders

            return select_folders(workspace, folders)

        def done(selected: tuple[SelectedFolder, ...]) -> None:
            from anontui.operations.selecting import rows_for

            rows = rows_for(workspace, editor.mapping, selected)
            if rows:
                app.main.mapping.insert(rows)
            self.grid.clear_marks()
            for one in selected:
                if one.problem:
                    app.notify(one.advice, title=one.problem, severity="warning", markup=False)
            known = sum(1 for one in selected if not one.problem) - len(rows)
            word = f"{len(rows)} row{'s'[: len(rows) != 1]} added to the mapping"
            app.say(word + (f", {known} already there" if known else ""), "$success")
            self.reread()
            if rows:
                app.main.show_pane(app.main.mapping)

        label = f"Selecting DICOM in {len(folders)} folder{'s'[: len(folders) != 1]}"
        app.start("files", work, done, label=label)

    # -- remembered ----------------------------------------------------------------------

    def remember(self) -> dict[str, Any]:
        """Open folders, marks and the cursor."""
        opened = [str(node.path) for node in self._rows.nodes if node.expanded]
        return {**super().remember(), "open": opened}

    def recall(self, state: dict[str, Any]) -> None:
        """Open the folders that were open."""
        opened = state.get("open")
        if isinstance(opened, list):
            self._to_expand = {path for path in opened if isinstance(path, str)}
        super().recall(state)

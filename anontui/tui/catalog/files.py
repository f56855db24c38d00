"""Actions on the project's folders and their selections."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late, loaded

FILES: tuple[Action, ...] = (
    Action(
        "files.mark",
        "space",
        "Mark this folder and look what DICOM is in it",
        lambda app: app.main.files.mark(),
        label="mark",
        pane="files",
    ),
    Action(
        "map.add-study-folders",
        "a",
        "Add the marked folders to the mapping, as fileselections",
        lambda app: app.main.files.add_to_mapping(),
        label="add to mapping",
        pane="files",
        needs=(
            loaded,
            lambda app: app.main.files.no_mapping(),
            lambda app: app.main.files.nothing_chosen(),
        ),
        changes=True,
    ),
    Action(
        "files.expand",
        "right,l",
        "Open this folder",
        lambda app: app.main.files.open_folder(),
        pane="files",
    ),
    Action(
        "files.collapse",
        "left,h",
        "Close this folder, or go to its parent",
        lambda app: app.main.files.close_folder(),
        pane="files",
    ),
    Action(
        "files.open-or-close",
        "enter",
        "Open or close this folder; look at this file",
        lambda app: app.main.files.activated(),
        pane="files",
    ),
    Action(
        "files.reread",
        "R",
        "Read the folders again",
        lambda app: app.main.files.reread(),
        label="reread",
        pane="files",
        needs=(loaded,),
    ),
    Action(
        "select.add",
        "s",
        "Select files in this folder by a pattern",
        late("selections", "add"),
        label="select",
        pane="files",
        needs=(lambda app: app.main.files.no_folder(),),
        changes=True,
    ),
    Action(
        "select.status",
        "i",
        "Show the selection of this folder",
        late("selections", "show"),
        pane="files",
        needs=(lambda app: app.main.files.no_selection(),),
    ),
    Action(
        "select.edit",
        "e",
        "Open the selection of this folder in your editor",
        late("selections", "edit"),
        pane="files",
        needs=(lambda app: app.main.files.no_selection(),),
        changes=True,
    ),
    Action(
        "select.delete",
        "delete,D",
        "Delete the selection of this folder",
        late("selections", "delete"),
        pane="files",
        needs=(lambda app: app.main.files.no_selection(),),
        changes=True,
    ),
    Action(
        "map.add-selection-file",
        "f",
        "Add the selection of this folder to the mapping",
        late("selections", "add_to_mapping"),
        pane="files",
        needs=(
            loaded,
            lambda app: app.main.files.no_mapping(),
            lambda app: app.main.files.no_selection(),
        ),
        changes=True,
    ),
)

"""Every picture of the app: of each pane and screen in each of its states."""

from __future__ import annotations

from collections.abc import Mapping

from tests.tui.scenes import pacs, panes, questions, stages
from tests.tui.scenes.scene import EMPTY, ERROR, KINDS, LOADING, Scene, World

__all__ = ["KINDS", "NEVER", "SCENES", "Scene", "World"]

SCENES: Mapping[str, Scene] = {
    **panes.SCENES,
    **questions.SCENES,
    **stages.SCENES,
    **pacs.SCENES,
}

_HERE = "it asks nobody: what it shows is there before it opens"
_LIST = "it opens on something to choose from"
_TOLD = "what goes wrong with the answer is told where it was asked"

NEVER: Mapping[str, Mapping[str, str]] = {
    "ActivityScreen": {LOADING: _HERE, ERROR: "it only repeats what was told"},
    "AddScreen": {EMPTY: "it needs a study", LOADING: _HERE, ERROR: "there is nothing to fill in"},
    "CheckedPrompt": {LOADING: _HERE},
    "ChooseScreen": {EMPTY: _LIST, LOADING: _HERE, ERROR: "any choice is right"},
    "ClashScreen": {EMPTY: "it needs a clash", LOADING: _HERE, ERROR: "any choice is right"},
    "ColumnsScreen": {EMPTY: "a pane has columns", LOADING: _HERE, ERROR: "any layout is right"},
    "CommandPalette": {LOADING: _HERE, ERROR: "it offers only what there is"},
    "CommandScreen": {LOADING: _HERE},
    "ConfirmScreen": {EMPTY: "it needs a question", LOADING: _HERE, ERROR: _TOLD},
    "FirstServerForm": {"full": "it is filled in where it asks, and where it tells what is wrong"},
    "HelpScreen": {EMPTY: "there are keys", LOADING: _HERE, ERROR: "it only tells"},
    "ImportScreen": {EMPTY: "a file without a table is told of, and not opened", LOADING: _HERE},
    "ImportsPane": {LOADING: "a job shows once the server has told of it"},
    "JobScreen": {EMPTY: "it needs a job", LOADING: _HERE},
    "JobsScreen": {LOADING: "it opens with the answer", ERROR: _TOLD},
    "PasteScreen": {EMPTY: "it needs rows", LOADING: _HERE, ERROR: _TOLD},
    "PlanScreen": {
        EMPTY: "it needs rows",
        LOADING: "it opens with the plan; until then the strip shows how far it is",
    },
    "PreviewScreen": {EMPTY: "it needs a file"},
    "PromptScreen": {LOADING: _HERE, ERROR: _TOLD},
    "PseudonymScreen": {LOADING: _HERE},
    "ReviewScreen": {EMPTY: "it needs a held file"},
    "SettingsScreen": {LOADING: _HERE, ERROR: "a value that cannot be is told where it is typed"},
    "StudyImportScreen": {EMPTY: "it needs a study", LOADING: _HERE},
    "TextScreen": {EMPTY: "it needs a text", LOADING: "it opens with the text", ERROR: _TOLD},
    "WelcomeScreen": {EMPTY: "there are always ways on"},
}
"""States that a pane or screen does not have, and why."""

"""Actions on archives: the PACS screen, its search form, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from anontui.tui.actions import Action, Need
from anontui.tui.catalog.needs import has_panes, late, loaded

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.screens.pacs import PacsScreen

_CLOSED = "the PACS screen is not open (P)"


def _screen(app: AnonTUI) -> PacsScreen | None:
    from sys import modules

    pacs = modules.get("anontui.tui.screens.pacs")  # only an open screen has imported it
    return app.front if pacs is not None and isinstance(app.front, pacs.PacsScreen) else None


def _need(look: Callable[[PacsScreen], str]) -> Need:
    def need(app: AnonTUI) -> str:
        screen = _screen(app)
        return _CLOSED if screen is None else look(screen)

    return need


def _do(work: Callable[[PacsScreen], object]) -> Callable[[AnonTUI], None]:
    def run(app: AnonTUI) -> None:
        screen = _screen(app)
        if screen is not None:
            work(screen)

    return run


opened = _need(lambda pacs: "")
archive = _need(lambda pacs: pacs.archives.cannot_search())
found = _need(lambda pacs: pacs.studies.none_found())
imports = _need(lambda pacs: pacs.imports.none_chosen())
missing = _need(lambda pacs: "" if pacs.studies.not_found else "every number brought a study")


def _mapping(app: AnonTUI) -> str:
    return app.main.mapping.unreadable()


def _own_batch(app: AnonTUI) -> str:
    """Need: the batch is of the server that is searched, so that new jobs can be added to it."""
    screen, batch = _screen(app), app.model.batch
    server = screen.archives.server if screen else None
    if batch is None or server is None or batch.server_url.rstrip("/") == server.url.rstrip("/"):
        return ""
    return f"this folder's batch is of another server, {batch.server_name}"


PACS: tuple[Action, ...] = (
    Action(
        "studies.search-here",
        "enter,space",
        "Search in this archive",
        late("pacs", "to_form"),
        label="search here",
        pane="archives",
        needs=(archive,),
    ),
    Action(
        "pacs.echo",
        "r",
        "Ask again which archives there are and whether they answer",
        _do(lambda pacs: pacs.archives.ask()),
        label="ask again",
        pane="archives",
        needs=(opened,),
    ),
    Action(
        "pacs.switch-receiver",
        "b",
        "Start or stop the receiver of this server",
        late("pacs", "switch_receiver"),
        label="receiver on/off",
        pane="archives",
        needs=(_need(lambda pacs: pacs.archives.no_receiver()),),
        changes=True,
    ),
    Action(
        "pacs.find",
        "enter",
        "Search for what the form says",
        late("pacs", "find"),
        label="search",
        pane="search",
        needs=(archive,),
    ),
    Action(
        "studies.clear-form",
        "ctrl+n",
        "Empty the form",
        late("pacs", "clear_form"),
        label="clear",
        pane="search",
        needs=(opened,),
    ),
    Action(
        "studies.form",
        "f",
        "Go to the search form",
        late("pacs", "to_form"),
        label="form",
        pane="studies",
        needs=(opened,),
    ),
    Action(
        "studies.mark",
        "space",
        "Mark this study",
        _do(lambda pacs: pacs.studies.mark()),
        label="mark",
        pane="studies",
        needs=(found,),
    ),
    Action(
        "pacs.add-to-mapping",
        "a",
        "Add the marked studies to the mapping",
        late("pacs", "add"),
        label="to mapping",
        pane="studies",
        needs=(found, _mapping),
        changes=True,
    ),
    Action(
        "pacs.import-studies",
        "i",
        "Import the marked studies at once",
        late("pacs", "import_"),
        label="import",
        pane="studies",
        needs=(found, _own_batch),
        changes=True,
    ),
    Action(
        "studies.series",
        "enter",
        "Show the series of this study, or hide them",
        _do(lambda pacs: pacs.studies.toggle_series()),
        label="series",
        pane="studies",
        needs=(found,),
    ),
    Action(
        "studies.sort",
        "s",
        "Sort by the next column",
        _do(lambda pacs: pacs.studies.sort()),
        label="sort",
        pane="studies",
        needs=(found,),
    ),
    Action(
        "studies.sort-reverse",
        "R",
        "Sort the other way round",
        _do(lambda pacs: pacs.studies.sort(reverse=True)),
        pane="studies",
        needs=(found,),
    ),
    Action(
        "studies.search-again",
        "r",
        "Search again",
        late("pacs", "find"),
        pane="studies",
        needs=(archive,),
    ),
    Action(
        "studies.not-found",
        "n",
        "Show the accession numbers that brought no study",
        late("pacs", "show_not_found"),
        label="not found",
        pane="studies",
        needs=(missing,),
    ),
    Action(
        "studies.save-not-found",
        "w",
        "Write the accession numbers that brought no study to a file",
        late("pacs", "save_not_found"),
        pane="studies",
        needs=(missing,),
        changes=True,
    ),
    Action(
        "imports.info",
        "enter,i",
        "Show everything about this import",
        _do(lambda pacs: pacs.imports.open_job()),
        label="info",
        pane="imports",
        needs=(imports,),
    ),
    Action(
        "imports.mark",
        "space",
        "Mark this import",
        _do(lambda pacs: pacs.imports.mark()),
        label="mark",
        pane="imports",
        needs=(imports,),
    ),
    Action(
        "imports.reset",
        "r",
        "Reset the marked imports, or this one",
        late("pacs", "change_jobs", "reset"),
        label="reset",
        pane="imports",
        needs=(imports,),
        changes=True,
    ),
    Action(
        "imports.cancel",
        "c",
        "Cancel the marked imports, or this one",
        late("pacs", "change_jobs", "cancel"),
        label="cancel",
        pane="imports",
        needs=(imports,),
        changes=True,
    ),
    Action(
        "app.pacs",
        "P",
        "Search archives and import studies from them, or go back",
        late("pacs", "show"),
        label="pacs",
        needs=(loaded, has_panes),
    ),
)

"""All actions of the app: pane by pane, then those of everywhere.

The order is the order in the key bar, the palette and the help.
"""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.admin import ADMIN, IDENTITIES, OVERVIEW
from anontui.tui.catalog.batch import BATCH
from anontui.tui.catalog.everywhere import EVERYWHERE
from anontui.tui.catalog.files import FILES
from anontui.tui.catalog.grid import GRID
from anontui.tui.catalog.mapping import MAPPING
from anontui.tui.catalog.pacs import PACS
from anontui.tui.catalog.preview import PREVIEW
from anontui.tui.catalog.quarantine import QUARANTINE, REVIEW
from anontui.tui.catalog.servers import SERVERS
from anontui.tui.catalog.settings import SETTINGS
from anontui.tui.catalog.welcome import WELCOME

ACTIONS: tuple[Action, ...] = (
    *SERVERS,
    *ADMIN,
    *QUARANTINE,
    *FILES,
    *MAPPING,
    *BATCH,
    *PACS,
    *OVERVIEW,
    *IDENTITIES,
    *PREVIEW,
    *REVIEW,
    *SETTINGS,
    *WELCOME,
    *GRID,
    *EVERYWHERE,
)

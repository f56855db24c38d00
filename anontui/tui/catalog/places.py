"""Where the groups of actions belong, in words that go on after ``it is for``."""

from __future__ import annotations

PANES = frozenset(
    {"servers", "files", "mapping", "batch", "archives", "studies", "search", "imports"}
)
"""Those of panes; the others are of screens beside them."""
PLACES = {
    "": "everywhere",
    "servers": "pane 1, servers",
    "files": "pane 2, files",
    "mapping": "pane 3, mapping",
    "batch": "pane 4, batch",
    "archives": "the archives of the PACS screen",
    "studies": "the studies of the PACS screen",
    "search": "the search of the PACS screen",
    "imports": "the imports of the PACS screen",
    "overview": "the overview of all servers (server.list)",
    "quarantine": "the list of held files (quarantine.list)",
    "review": "a held file that is looked at",
    "identities": "the screen of who is who (identities.find)",
    "preview": "a preview that is open (deid.explain)",
    "settings": "the settings' screen (settings.show)",
    "welcome": "the first start",
}

"""When Python looks for what can be forgotten: at rest, since nothing else goes on meanwhile.

Of what a large mapping takes, a full look takes a tenth of a second and more, in which no key
is answered; and it comes again and again while many objects are made.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

_SECONDS = 30.0
_NEVER = 1 << 30


def at_rest(app: AnonTUI) -> None:
    """From now on look through old objects only while nothing runs and no question is open."""
    gc.freeze()  # what was imported stays
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)

    def look() -> None:
        if not app.tasks and len(app.screen_stack) == 1:
            gc.collect()

    app.set_interval(_SECONDS, look)

"""Actions on held files: opening the list, and what its two screens offer."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late, loaded, server_up
from anontui.tui.catalog.stages import asked, do

_WAITS = asked("none_waits")

QUARANTINE: tuple[Action, ...] = (
    Action(
        "quarantine.list",
        "h",
        "Show the files that the active server holds back, for its admins",
        late("quarantine", "open_list"),
        label="held files",
        pane="servers",
        needs=(loaded, server_up),
    ),
    Action(
        "quarantine.show",
        "enter,i",
        "Look at this file",
        late("quarantine", "look"),
        label="look",
        pane="quarantine",
        needs=(asked("no_copy"),),
    ),
    Action(
        "quarantine.mark",
        "space",
        "Mark this file",
        do("mark"),
        label="mark",
        pane="quarantine",
    ),
    Action(
        "quarantine.release",
        "r",
        "Release the marked files, or this one, as they are",
        late("quarantine", "release"),
        label="release",
        pane="quarantine",
        needs=(_WAITS,),
        changes=True,
    ),
    Action(
        "quarantine.release-again",
        "p",
        "Have the marked files, or this one, judged again by the policy as it is now",
        late("quarantine", "release", True),
        label="by the policy",
        pane="quarantine",
        needs=(_WAITS,),
        changes=True,
    ),
    Action(
        "quarantine.reject",
        "delete,D",
        "Reject the marked files, or this one, for a reason",
        late("quarantine", "reject"),
        label="reject",
        pane="quarantine",
        needs=(_WAITS,),
        changes=True,
    ),
    Action(
        "quarantine.decided",
        "a",
        "Show what was decided on too, or only what waits",
        do("switch_decided"),
        label="all/waiting",
        pane="quarantine",
    ),
    Action(
        "quarantine.reread",
        "R",
        "Ask the server again",
        do("ask"),
        label="reread",
        pane="quarantine",
    ),
)

_PICTURE, _BOX, _FRAMES = asked("no_picture"), asked("no_box"), asked("one_frame")
_OPEN = asked("is_decided")
_MOVES = (("left", "h", -1, 0), ("right", "l", 1, 0), ("up", "k", 0, -1), ("down", "j", 0, 1))

REVIEW: tuple[Action, ...] = (
    Action(
        "review.box",
        "n",
        "Draw a new box",
        do("picture.new_box"),
        label="box",
        pane="review",
        needs=(_PICTURE,),
    ),
    Action(
        "review.release-blacked",
        "b",
        "Release it with the boxes blacked out",
        late("quarantine", "release_blacked"),
        label="release boxed",
        pane="review",
        needs=(_OPEN, _BOX),
        changes=True,
    ),
    Action(
        "review.release",
        "r",
        "Release the file as it is",
        late("quarantine", "release"),
        label="as it is",
        pane="review",
        needs=(_OPEN,),
        changes=True,
    ),
    Action(
        "review.reject",
        "D",
        "Reject the file, for a reason",
        late("quarantine", "reject"),
        label="reject",
        pane="review",
        needs=(_OPEN,),
        changes=True,
    ),
    Action(
        "review.next-file",
        "right_square_bracket",
        "Go to the next file",
        do("step_file", 1),
        label="next",
        pane="review",
        needs=(asked("one_file"),),
    ),
    Action(
        "review.previous-file",
        "left_square_bracket",
        "Go to the file before",
        do("step_file", -1),
        pane="review",
        needs=(asked("one_file"),),
    ),
    Action(
        "review.undo",
        "u,ctrl+z",
        "Take the last change to the boxes back",
        do("undo"),
        label="undo",
        pane="review",
        needs=(_PICTURE,),
    ),
    Action(
        "review.drop-box",
        "x,delete",
        "Take this box away",
        do("picture.drop_box"),
        label="drop",
        pane="review",
        needs=(asked("none_chosen"),),
    ),
    Action(
        "review.next-box",
        "tab",
        "Go to the next box",
        do("picture.choose_next"),
        pane="review",
        needs=(_BOX,),
    ),
    *(
        Action(
            f"review.move-{name}",
            f"{name},{letter}",
            f"Move the box, or the picture, {name}",
            do("picture.move", across, down),
            pane="review",
            needs=(_PICTURE,),
        )
        for name, letter, across, down in _MOVES
    ),
    *(
        Action(
            f"review.size-{name}",
            f"shift+{name},{letter.upper()}",
            f"Move the box's {'right' if across else 'lower'} edge {name}",
            do("picture.resize", across, down),
            pane="review",
            needs=(_PICTURE,),
        )
        for name, letter, across, down in _MOVES
    ),
    Action(
        "review.zoom-in",
        "plus,equals_sign",
        "Come nearer to the box, or the middle",
        do("picture.zoom_by", 1),
        label="nearer",
        pane="review",
        needs=(_PICTURE,),
    ),
    Action(
        "review.zoom-out",
        "minus",
        "Go back again",
        do("picture.zoom_by", -1),
        pane="review",
        needs=(_PICTURE,),
    ),
    Action(
        "review.next-frame",
        "full_stop,pagedown",
        "Go to the next frame",
        do("step_frame", 1),
        label="frame",
        pane="review",
        needs=(_FRAMES,),
    ),
    Action(
        "review.previous-frame",
        "comma,pageup",
        "Go to the frame before",
        do("step_frame", -1),
        pane="review",
        needs=(_FRAMES,),
    ),
    Action(
        "review.release-again",
        "p",
        "Have the file judged again by the policy as it is now",
        late("quarantine", "release", True),
        label="by the policy",
        pane="review",
        needs=(_OPEN,),
        changes=True,
    ),
)

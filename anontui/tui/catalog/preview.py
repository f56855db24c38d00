"""Actions of the preview: opening it, and what it offers."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late, loaded
from anontui.tui.catalog.stages import asked, do

_FILES, _FRAMES, _PICTURE = asked("one_file"), asked("one_frame"), asked("no_picture")

PREVIEW: tuple[Action, ...] = (
    Action(
        "deid.explain",
        "p",
        "Preview this file, or a folder's: before and after, and its picture",
        late("preview", "of_file"),
        label="preview",
        pane="files",
        needs=(loaded, lambda app: app.main.files.no_folder()),
    ),
    Action(
        "mapping.preview",
        "L",
        "Look at the source of this row: before and after, and its picture",
        late("preview", "of_row"),
        label="look",
        pane="mapping",
        needs=(loaded, lambda app: app.main.mapping.no_row()),
    ),
    Action(
        "batch.preview",
        "p",
        "Preview the source of this job, where it is on a share",
        late("preview", "of_job"),
        label="preview",
        pane="batch",
        needs=(lambda app: app.main.jobs.none_chosen(),),
    ),
    Action(
        "preview.changed",
        "c",
        "Show only what changes, or all",
        do("switch_changed"),
        label="changed/all",
        pane="preview",
    ),
    Action(
        "preview.mode",
        "v",
        "Show header and picture, or one of them alone",
        do("switch_mode"),
        label="picture",
        pane="preview",
    ),
    Action(
        "preview.next-file",
        "n,right_square_bracket",
        "Go to the next file",
        do("step_file", 1),
        label="next file",
        pane="preview",
        needs=(_FILES,),
    ),
    Action(
        "preview.previous-file",
        "N,left_square_bracket",
        "Go to the file before",
        do("step_file", -1),
        pane="preview",
        needs=(_FILES,),
    ),
    Action(
        "preview.next-frame",
        "full_stop",
        "Go to the next frame",
        do("step_frame", 1),
        label="frame",
        pane="preview",
        needs=(_FRAMES,),
    ),
    Action(
        "preview.previous-frame",
        "comma",
        "Go to the frame before",
        do("step_frame", -1),
        pane="preview",
        needs=(_FRAMES,),
    ),
    Action(
        "preview.fold",
        "enter,space",
        "Open this sequence, or close it",
        do("fold"),
        label="open",
        pane="preview",
        needs=(asked("no_fold"),),
    ),
    Action(
        "preview.fold-all",
        "a",
        "Open all sequences, or close them",
        do("fold_all"),
        pane="preview",
    ),
    Action(
        "preview.zoom-in",
        "plus,equals_sign",
        "Come nearer to the middle of the picture",
        do("picture.zoom_by", 1),
        label="nearer",
        pane="preview",
        needs=(_PICTURE,),
    ),
    Action(
        "preview.zoom-out",
        "minus",
        "Go back again",
        do("picture.zoom_by", -1),
        pane="preview",
        needs=(_PICTURE,),
    ),
    Action(
        "preview.policy",
        "p",
        "Go by another policy file",
        late("preview", "policy"),
        label="policy",
        pane="preview",
    ),
)

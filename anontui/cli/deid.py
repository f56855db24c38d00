"""``anontui deid``: de-identify files on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anontui.cli.out import JSON_OPTION, follow, say, show_json, show_table
from anontui.cli.policy import PATH, Told, deidentifier_of, identity_of, policy_of, policy_options
from anontui.cli.told import joined
from anontui.errors import UsageError

if TYPE_CHECKING:
    from anontui.deid.run.explain import Difference, Explained
    from anontui.deid.run.folder import Summary

_LONGEST_CELL = 60
_HINTS = {
    "For files whose path holds the Patient ID use --layout.": ("identity_in_path",),
    "What was in the output already stays; another key or other options need another output.": (
        "target_exists",
    ),
    "What may be burned into pixels --pixel-rules can black out, or a policy file let pass.": (
        "burned_in",
        "secondary_capture",
        "ultrasound",
    ),
}


class _Command(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, joined(args))


class _Deid(click.Group):
    """``deid explain`` and ``deid diff``; with anything else, ``deid`` is a command itself."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return deid.make_context(info_name, args, parent, **extra)


command = _Deid("deid")


@click.command(
    "deid",
    cls=_Command,
    epilog="Also: anontui deid explain FILE, anontui deid diff FILE [OTHER]; see their --help.",
)
@click.argument("source", metavar="IN", type=PATH)
@click.argument("target", metavar="OUT", type=PATH)
@policy_options
@click.option(
    "--report", "report_path", type=PATH, metavar="FILE", help="Write FILE.json and FILE.csv."
)
@click.option("--identities", is_flag=True, help="The report also maps old ids to new ones.")
@click.option("--layout", is_flag=True, help="Folders by new patient, study and series.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes; by default one a core."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would become of the files.")
@JSON_OPTION
@click.pass_context
def deid(
    context: click.Context,
    /,
    source: Path,
    target: Path,
    report_path: Path | None,
    identities: bool,
    layout: bool,
    workers: int | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """De-identify files on this machine.

    IN is a DICOM file or a folder with all below it; results go to OUT in the same shape, by
    the Basic Application Level Confidentiality Profile of DICOM PS3.15. What cannot be made
    safe is left out, with the reason. The exit code is 0 only if every file is done.
    """
    from anontui.deid.run.folder import deidentify_folder
    from anontui.deid.run.report import Report

    told = Told(**options)
    if identities and report_path is None:
        raise UsageError("Identities go to a report", advice="Add --report FILE.")
    report = None
    if report_path is not None:
        report = Report.at(report_path, target, identities=identities)
    policy = policy_of(told)
    key, pseudonym_for = identity_of(told, target, dry_run=dry_run)
    events = deidentify_folder(
        source,
        target,
        policy=policy,
        key=key,
        pseudonym_for=pseudonym_for,
        layout=layout,
        workers=workers,
        dry_run=dry_run,
        report=report,
    )
    summary = follow(events, "looking" if dry_run else "de-identifying")
    _show(summary, key, as_json=as_json, dry_run=dry_run)
    if report:
        say(f"Report: {', '.join(map(str, report.files))}")
    if told.key_file is None and not dry_run:
        say(
            "The key was for this run only: in another run the same patient gets another "
            "pseudonym and other UIDs. To have runs agree, use --key-file FILE."
        )
    context.exit(0 if summary.is_complete else 1)


@command.command(cls=_Command)
@click.argument("file", metavar="FILE", type=PATH)
@policy_options
@click.option("--changed", is_flag=True, help="Only elements that change.")
@JSON_OPTION
@click.pass_context
def explain(
    context: click.Context, /, file: Path, changed: bool, as_json: bool, **options: Any
) -> None:
    """Show what would happen to each element of FILE, and which rule says so.

    It shows the patient's identity. Nothing is written. The options are those of
    "anontui deid".
    """
    from anontui.deid.run.explain import explain as explained

    outcome, elements = explained(deidentifier_of(Told(**options)), file)
    if changed:
        elements = [element for element in elements if element.is_changed]
    if as_json:
        code = outcome.code and outcome.code.value
        head = {"status": outcome.status, "code": code, "reason": outcome.reason}
        show_json({**head, "elements": [element._asdict() for element in elements]})
    else:
        rows = [_explained_row(element) for element in elements]
        show_table(rows, ("tag", "name", "vr", "action", "because", "before", "after"))
    if outcome.status != "done":
        say(f"The file would be {outcome.status}: {outcome.reason}.")
        context.exit(1)


@command.command(cls=_Command)
@click.argument("file", metavar="FILE", type=PATH)
@click.argument("other", metavar="[OTHER]", type=PATH, required=False)
@policy_options
@JSON_OPTION
@click.pass_context
def diff(
    context: click.Context, /, file: Path, other: Path | None, as_json: bool, **options: Any
) -> None:
    """Show which elements of FILE are others in OTHER, or in what FILE would become.

    It shows the patient's identity. Nothing is written. The exit code is 1 if they differ.
    """
    from anontui.deid.run.explain import Difference, differences
    from anontui.deid.run.explain import explain as explained

    if other is not None:
        found = differences(file, other)
    else:
        outcome, elements = explained(deidentifier_of(Told(**options)), file)
        if outcome.status != "done":
            say(f"The file would be {outcome.status}: {outcome.reason}.")
            context.exit(1)
        found = [
            Difference(e.place, e.tag, e.name, e.vr, e.before, e.after)
            for e in elements
            if e.is_changed
        ]
    if as_json:
        show_json([difference._asdict() for difference in found])
    else:
        rows = [_different_row(difference) for difference in found]
        show_table(rows, ("tag", "name", "vr", "before", "after"))
    context.exit(1 if found else 0)


def _show(summary: Summary, key: bytes, *, as_json: bool, dry_run: bool) -> None:
    from anontui.deid.values.treatment import key_id

    rows = [
        {
            "outcome": total.status,
            "code": total.reason and total.reason.value,
            "reason": total.reason and total.reason.words,
            "files": total.files,
        }
        for total in summary.totals
    ]
    if as_json:
        files = {status: summary.files(status) for status in ("done", "rejected", "quarantined")}
        show_json(
            {
                "files": files,
                "outcomes": rows,
                "elements": dict(sorted(summary.elements.items())),
                "key_id": key_id(key),
                "seconds": round(summary.seconds, 3),
                "dry_run": dry_run,
            }
        )
        return
    show_table(rows, ("outcome", "reason", "files"))
    done, all_ = summary.files("done"), sum(total.files for total in summary.totals)
    verb = "would be de-identified" if dry_run else "de-identified"
    say(f"{done:,} of {all_:,} files {verb} in {summary.seconds:.1f} s.")
    codes = {total.reason.value for total in summary.totals if total.reason}
    for hint, reasons in _HINTS.items():
        if codes.intersection(reasons):
            say(hint)
    if dry_run:
        say("Nothing was written.")


def _explained_row(element: Explained) -> dict[str, object]:
    row = element._asdict()
    return {**row, **_cells(element.place, element.tag, element.before, element.after)}


def _different_row(difference: Difference) -> dict[str, object]:
    row = difference._asdict()
    cells = _cells(difference.place, difference.tag, difference.before, difference.after)
    return {**row, **cells}


def _cells(place: str, tag: str, before: str | None, after: str | None) -> dict[str, object]:
    return {
        "tag": f"{'> ' * len(place.split())}{tag}",
        "before": _short(before),
        "after": _short(after),
    }


def _short(text: str | None) -> str:
    if not text:
        return "-" if text is None else "(empty)"
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"

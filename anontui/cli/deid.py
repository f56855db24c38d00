"""``anontui deid``: de-identify files on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from anontui.cli.out import JSON_OPTION, follow, say, show_json, show_table
from anontui.cli.told import joined, words_of
from anontui.errors import UsageError

if TYPE_CHECKING:
    from anontui.deid import Deidentifier, Policy
    from anontui.deid.explain import Difference, Explained
    from anontui.deid.file import PseudonymFor
    from anontui.deid.folder import Summary

_LONGEST_CELL = 60
_READABLE = click.Path(path_type=Path)


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


class _Told(NamedTuple):
    """What the options say of policy and identities."""

    option: tuple[str, ...]
    told: tuple[str, ...]
    dictionary: Path | None
    script: Path | None
    lookup: Path | None
    recipe: Path | None
    white_list: Path | None
    pixel_rules: tuple[Path, ...]
    policy: Path | None
    keep_private: bool
    clean_by: str | None
    key_file: Path | None
    pseudonyms: Path | None


_OPTIONS = (
    click.option("--option", multiple=True, metavar="NAME", help="Of PS3.15, as retain-uids."),
    click.option(
        "-t", "told", multiple=True, metavar="TAG ACTION [ARGS …]", help="A rule of your own."
    ),
    click.option(
        "--dictionary", type=_READABLE, metavar="FILE", help="JSON of rules, as dicom-anonymizer's."
    ),
    click.option(
        "--script", type=_READABLE, metavar="FILE", help="Script of CTP or RSNA's Anonymizer."
    ),
    click.option("--lookup", type=_READABLE, metavar="FILE", help="The script's lookup table."),
    click.option("--recipe", type=_READABLE, metavar="FILE", help="Recipe of deid."),
    click.option(
        "--white-list", type=_READABLE, metavar="FILE", help="JSON of values that may stay."
    ),
    click.option(
        "--pixel-rules",
        type=_READABLE,
        metavar="FILE",
        multiple=True,
        help="What to black out; cleans pixel data.",
    ),
    click.option(
        "--policy",
        type=_READABLE,
        metavar="FILE",
        help="YAML with all of these; the others add to it.",
    ),
    click.option("--keep-private", "--keepPrivateTags", is_flag=True, help="Keep private tags."),
    click.option("--clean-by", type=click.Choice(["remove", "scrub"]), help="For cleaned texts."),
    click.option(
        "--key-file", type=_READABLE, metavar="FILE", help="The secret; made if it does not exist."
    ),
    click.option(
        "--pseudonyms",
        type=_READABLE,
        metavar="FILE",
        help="CSV: patient_id,pseudo_id[,pseudo_name]",
    ),
)


def _policy_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command(
    "deid",
    cls=_Command,
    epilog="Also: anontui deid explain FILE, anontui deid diff FILE [OTHER]; see their --help.",
)
@click.argument("source", metavar="IN", type=_READABLE)
@click.argument("target", metavar="OUT", type=_READABLE)
@_policy_options
@click.option(
    "--report", "report_path", type=_READABLE, metavar="FILE", help="Write FILE.json and FILE.csv."
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
    from anontui.deid.folder import deidentify_folder
    from anontui.deid.report import Report

    told = _Told(**options)
    if identities and report_path is None:
        raise UsageError("Identities go to a report", advice="Add --report FILE.")
    report = None
    if report_path is not None:
        report = Report.at(report_path, target, identities=identities)
    policy = _policy(told)
    key, pseudonym_for = _identity(told, target, dry_run=dry_run)
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
@click.argument("file", metavar="FILE", type=_READABLE)
@_policy_options
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
    from anontui.deid.explain import explain as explained

    outcome, elements = explained(_deidentifier(_Told(**options)), file)
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
@click.argument("file", metavar="FILE", type=_READABLE)
@click.argument("other", metavar="[OTHER]", type=_READABLE, required=False)
@_policy_options
@JSON_OPTION
@click.pass_context
def diff(
    context: click.Context, /, file: Path, other: Path | None, as_json: bool, **options: Any
) -> None:
    """Show which elements of FILE are others in OTHER, or in what FILE would become.

    It shows the patient's identity. Nothing is written. The exit code is 1 if they differ.
    """
    from anontui.deid.explain import Difference, differences
    from anontui.deid.explain import explain as explained

    if other is not None:
        found = differences(file, other)
    else:
        outcome, elements = explained(_deidentifier(_Told(**options)), file)
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


def _policy(told: _Told) -> Policy:
    """The policy file's, if any, and what the other options add to it or say instead."""
    from anontui.deid import Option, PixelRules, Policy, WhiteList
    from anontui.deid.options import options_named
    from anontui.deid.readers.ctp import read_script
    from anontui.deid.readers.dictionary import read_dictionary
    from anontui.deid.readers.policyfile import read_policy
    from anontui.deid.readers.recipe import read_recipe
    from anontui.deid.readers.told import told_rule

    base = read_policy(told.policy) if told.policy else Policy.basic()
    options, rules = base.options | options_named(told.option), list(base.told)
    keep_private = told.keep_private or base.keep_private
    if told.script:
        script = read_script(told.script, told.lookup)
        options |= script.options
        rules += script.rules
        if keep_private and script.removes_private:
            raise UsageError(
                "Private elements are to be kept, but the script removes them",
                advice="Change one of the two.",
            )
    elif told.lookup:
        raise UsageError("A lookup table is for a script", advice="Add --script FILE.")
    if told.recipe:
        rules += read_recipe(told.recipe)
    if told.dictionary:
        rules += read_dictionary(told.dictionary)
    for words in map(words_of, told.told):
        if len(words) < 2:
            raise UsageError("-t needs a tag and an action", advice="See --help.")
        rules.append(told_rule(words[0], words[1], words[2:], "-t"))
    if told.pixel_rules:
        options |= {Option.CLEAN_PIXEL_DATA}
    return Policy.build(
        options=options,
        rules=rules,
        white_list=WhiteList.read(told.white_list) if told.white_list else base.white_list,
        clean_by="scrub" if (told.clean_by or base.clean_by) == "scrub" else "remove",
        keep_private=keep_private,
        shift_time=base.shift_time,
        pixel_rules=PixelRules.read(told.pixel_rules) if told.pixel_rules else base.pixel_rules,
        filters=base.filters,
        limits=base.limits,
    )


def _identity(
    told: _Told, target: Path | None, *, dry_run: bool
) -> tuple[bytes, PseudonymFor | None]:
    """The key, and who patients become if a list says it."""
    from anontui.deid.keyfile import key_from, new_key
    from anontui.deid.pseudonyms import Pseudonyms, read_pseudonyms

    listed = read_pseudonyms(told.pseudonyms) if told.pseudonyms else None
    file = told.key_file
    if file is None or (dry_run and not file.exists()):
        key = new_key()
    else:
        if target is not None and file.resolve().is_relative_to(target.resolve()):
            raise UsageError(
                "The key would lie among the results",
                advice="Keep it where only you can read it.",
            )
        key, is_new = key_from(file)
        if is_new:
            say(f"Made the key {file}. Keep it, and keep it secret: it leads back to patients.")
    return key, None if listed is None else Pseudonyms(key, listed)


def _deidentifier(told: _Told) -> Deidentifier:
    from anontui.deid import Deidentifier
    from anontui.deid.pseudonyms import Pseudonyms

    policy = _policy(told)
    key, pseudonym_for = _identity(told, None, dry_run=True)
    return Deidentifier(policy, key, pseudonym_for or Pseudonyms(key))


def _show(summary: Summary, key: bytes, *, as_json: bool, dry_run: bool) -> None:
    from anontui.deid.treatment import key_id

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
        "before": "-" if before is None else _short(before),
        "after": "-" if after is None else _short(after),
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"

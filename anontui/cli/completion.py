"""``anontui completion``: what a shell needs to complete commands and their values."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    r"""Print the completion script of SHELL.

    It completes commands and options, and values too: names of servers, ids of the batch's
    jobs, pseudonyms, mappings. To switch it on, in the shell's start-up file:

    \b
    bash  eval "$(anontui completion bash)"
    zsh   eval "$(anontui completion zsh)"
    fish  anontui completion fish | source
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choice names what click has
    root = context.find_root()
    click.echo(found(root.command, {}, "anontui", "_ANONTUI_COMPLETE").source())

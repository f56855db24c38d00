"""``anontui settings``: the user's settings, in a file that only the user can read."""

from __future__ import annotations

from pathlib import Path

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, confirm, say, show_fields, show_json
from anontui.errors import UsageError

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@click.group("settings")
def command() -> None:
    """Look at the settings and change them: who you are, and how servers are reached."""


@command.group("user")
def user() -> None:
    """Say who you are to the servers. The same commands stand in ``settings`` itself."""


@command.command()
@JSON_OPTION
def show(as_json: bool) -> None:
    """Show all settings; of the token, only whether there is one."""
    from anontui.operations.settings import facts

    found = facts(workspace().settings)
    if as_json:
        show_json(found)
        return
    lines = {
        name: ", ".join(f"{key}={text}" for key, text in value.items())
        if isinstance(value, dict)
        else value
        for name, value in found.items()
    }
    show_fields(lines)


@command.command()
def edit() -> None:
    """Open the settings file in your editor ($VISUAL or $EDITOR)."""
    from anontui.editor import edit_file
    from anontui.operations.settings import settings_file
    from anontui.settings import load

    path = settings_file(Path.cwd())
    if not edit_file(path):
        say(f"Opened {path}.")
        return
    path.chmod(0o600)  # some editors write a new file
    for warning in load(path).warnings:
        say(f"Warning: {warning}")


@command.command("set-validate-ssl")
@click.argument(
    "word", metavar="true|false", type=click.Choice([*_YES, *_NO], case_sensitive=False)
)
def set_validate_ssl(word: str) -> None:
    """Check the certificates of servers (true), or take any (false).

    With false, whoever is in between can read your token and everything you send.
    """
    value = word in _YES
    workspace().settings.replace(validate_ssl=value).save()
    say(f"Certificates are {'checked' if value else 'NOT checked any more'}.")


@click.command("info")
@click.option("--show-token", is_flag=True, help="Print the token too, for the server's admin.")
@JSON_OPTION
def info(show_token: bool, as_json: bool) -> None:
    """Show user name and token; the token itself only with --show-token."""
    settings = workspace().settings
    if as_json:
        show_json({"user_name": settings.user_name, "has_token": bool(settings.user_token)})
        return
    hidden = "set (see it with --show-token)" if settings.user_token else "not set"
    show_fields(
        {
            "User": settings.user_name or "not set",
            "Token": settings.user_token if show_token and settings.user_token else hidden,
        }
    )


@click.command("set-username")
@click.argument("user_name")
def set_username(user_name: str) -> None:
    """Set the name that servers know you by."""
    if not user_name.strip() or not user_name.isprintable():
        raise UsageError("This is no user name", advice="Write it as your server's admin does.")
    workspace().settings.replace(user_name=user_name.strip()).save()
    say(f"The user name is now {user_name.strip()}.")


@click.command("get-token")
@YES_OPTION
def get_token(yes: bool) -> None:
    """Make a new token and keep it in the settings.

    A server accepts it once its admin knows it: see it with 'settings info --show-token'.
    The token before is lost.
    """
    from anontui.operations.settings import with_new_token

    settings = workspace().settings
    if settings.user_token:
        confirm("Replace the token that is set? Servers know you by it.", yes=yes)
    with_new_token(settings).save()
    say("A new token is set. Show it to a server's admin: anontui settings info --show-token")


for _command in (info, set_username, get_token):
    command.add_command(_command)
    user.add_command(_command)

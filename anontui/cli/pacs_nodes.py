"""``anontui pacs node``: the archives that are known by name."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    confirm,
    say,
    show_fields,
    show_json,
    show_table,
)
from anontui.cli.pacs_data import folder_of, node_names, node_of, nodes_file, nodes_of
from anontui.cli.serve import DATA_OPTION, FILE
from anontui.errors import PacsError, UsageError

if TYPE_CHECKING:
    from anontui.pacs.node import Bucket, Dimse, Node, Web

_SECRET = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_SECRETS = ("password", "token", "secret_key")


@click.group("node")
def command() -> None:
    """Say which archives there are, and how they are reached.

    They are written down in nodes.yml in the server's data folder, which only you can read;
    a server that runs sees changes at once.
    """


@command.command()
@click.argument("name")
@click.option("--aet", help="AE title of the archive.")
@click.option("--host", help="Its host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port.")
@click.option("--calling-aet", metavar="AET", help="Our AE title there.  [default: ANONTUI]")
@click.option(
    "--move-port",
    type=click.IntRange(1, 65535),
    help="Port on which we take what it sends to our AE title on a C-MOVE.",
)
@click.option("--tls", is_flag=True, help="Use TLS for DIMSE.")
@click.option("--tls-ca", type=FILE, help="Certificate (PEM) that the archive's is checked by.")
@click.option("--tls-cert", type=FILE, help="Our certificate (PEM), where it asks for one.")
@click.option("--tls-key", type=FILE, help="Its key (PEM).")
@click.option("--web", metavar="URL", help="DICOMweb service, such as https://host/dicom-web.")
@click.option("--user", help="Who we are there.")
@click.option("--password-file", type=_SECRET, help="File with the password; - reads stdin.")
@click.option("--token-file", type=_SECRET, help="File with a Bearer token; - reads stdin.")
@click.option("--bucket", help="Bucket of an S3 service.")
@click.option("--prefix", help="What the names of objects begin with.")
@click.option("--endpoint", metavar="URL", help="The S3 service, if it is not Amazon's.")
@click.option("--region", help="Its region.")
@click.option("--access-key", help="Key id; by default the environment's credentials are used.")
@click.option("--secret-key-file", type=_SECRET, help="File with its secret; - reads stdin.")
@click.option("--timeout", type=click.FloatRange(1, 3600), help="Seconds to wait for an answer.")
@click.option("--modality", "modalities", multiple=True, help="Look for this only; repeatable.")
@click.option("--sop-class", "sop_classes", multiple=True, help="Fetch this UID only; repeatable.")
@click.option(
    "--transfer-syntax",
    "syntaxes",
    multiple=True,
    help="Take this only, the preferred first: RLE, JPEG, JPEG-LS, JPEG2000 or a UID.",
)
@YES_OPTION
@DATA_OPTION
def add(name: str, yes: bool, data: Path | None, **given: object) -> None:
    """Add the archive NAME, or replace it: DIMSE, DICOMweb or S3, or more than one of them.

    anontui pacs node add PACS --aet PACS --host 10.0.0.5 --port 104 --move-port 11113
    """
    from anontui.pacs.node import Node, Timeouts
    from anontui.pacs.nodefile import SYNTAXES, write_nodes

    web, bucket = _web(given), _bucket(given)
    timeout = given["timeout"]
    timeouts = Timeouts()
    if isinstance(timeout, int | float):
        timeouts = replace(timeouts, answer=float(timeout))
    node = Node(
        name,
        dimse=_dimse(given),
        web=web,
        bucket=bucket,
        timeouts=timeouts,
        modalities=_texts(given["modalities"]),
        sop_classes=_texts(given["sop_classes"]),
        transfer_syntaxes=tuple(
            uid for name in _texts(given["syntaxes"]) for uid in SYNTAXES.get(name.upper(), (name,))
        ),
    )
    if node.dimse is None and web is None and bucket is None:
        raise UsageError(
            "It is not said how the archive is reached",
            advice="Give --aet, --host and --port, or --web, or --bucket.",
        )
    nodes = nodes_of(data)
    if name in nodes:
        confirm(f"There is a node {name} already. Replace it?", yes=yes)
    folder_of(data)
    try:
        write_nodes(nodes_file(data), nodes | {name: node})
    except PacsError as error:  # it names a line of the file, which is as it was
        what = error.message.partition(": ")[2] or error.message
        raise UsageError(f"This is no node: {what}", advice="Nothing was changed.") from error
    say(f"Added {name}. Ask whether it answers: anontui pacs echo {name}")


@command.command("list")
@JSON_OPTION
@DATA_OPTION
def list_nodes(as_json: bool, data: Path | None) -> None:
    """Show the nodes; asks none of them."""
    nodes = nodes_of(data)
    rows = [{"name": name} | _summary(node) for name, node in sorted(nodes.items())]
    if as_json:
        show_json(rows)
    elif rows:
        show_table(rows, ("name", "ways", "aet", "address"))
    else:
        say("No node is known. Add one with: anontui pacs node add NAME")


@command.command()
@click.argument("name", shell_complete=node_names)
@JSON_OPTION
@DATA_OPTION
def show(name: str, as_json: bool, data: Path | None) -> None:
    """Show how NAME is reached, but no secret."""
    fields = _plain(node_of(data, name))
    if as_json:
        show_json(fields)
        return
    flat: dict[str, object] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat |= {f"{key} {inner}": text for inner, text in value.items()}
        else:
            flat[key] = ", ".join(value) if isinstance(value, list) else value
    show_fields(flat)


@command.command()
@click.argument("name", shell_complete=node_names)
@YES_OPTION
@DATA_OPTION
def remove(name: str, yes: bool, data: Path | None) -> None:
    """Forget the node NAME; jobs that name it fail."""
    from anontui.pacs.nodefile import write_nodes

    node_of(data, name)
    confirm(f"Forget the node {name}?", yes=yes)
    nodes = nodes_of(data)
    write_nodes(nodes_file(data), {key: node for key, node in nodes.items() if key != name})
    say(f"Removed {name}.")


def _dimse(given: dict[str, object]) -> Dimse | None:
    from anontui.pacs.node import CALLING_AET, Dimse, Tls

    names = ("aet", "host", "port")
    if not any(given[name] for name in (*names, "calling_aet", "move_port", "tls")):
        return None
    if absent := [f"--{name}" for name in names if not given[name]]:
        raise UsageError(
            f"For DIMSE {' and '.join(absent)} is missing",
            advice="Give all of: --aet --host --port",
        )
    files = {name: _path(given[f"tls_{name}"]) for name in ("ca", "cert", "key")}
    tls = Tls(files["ca"], files["cert"], files["key"])
    return Dimse(
        str(given["aet"]),
        str(given["host"]),
        int(str(given["port"])),
        calling_aet=str(given["calling_aet"] or CALLING_AET),
        tls=tls if given["tls"] or any(files.values()) else None,
        move_port=int(str(given["move_port"] or 0)),
    )


def _web(given: dict[str, object]) -> Web | None:
    from anontui.pacs.node import Web

    if not given["web"]:
        if given["user"] or given["password_file"] or given["token_file"]:
            raise UsageError("Credentials are given without --web", advice="Give its url.")
        return None
    return Web(
        str(given["web"]),
        user=str(given["user"] or ""),
        password=_secret(given["password_file"]),
        token=_secret(given["token_file"]),
        authority=_path(given["tls_ca"]),
    )


def _bucket(given: dict[str, object]) -> Bucket | None:
    from anontui.pacs.node import Bucket

    if not given["bucket"]:
        return None
    texts = {
        name: str(given[name] or "") for name in ("prefix", "endpoint", "region", "access_key")
    }
    return Bucket(str(given["bucket"]), **texts, secret_key=_secret(given["secret_key_file"]))


def _path(given: object) -> Path | None:
    return given if isinstance(given, Path) else None


def _texts(given: object) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, tuple) else ()


def _secret(given: object) -> str:
    """The first line of a file, so that no secret stands in the command line's history."""
    if given is None:
        return ""
    try:
        text = sys.stdin.readline() if str(given) == "-" else Path(str(given)).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{given} cannot be read",
            cause=getattr(error, "strerror", None) or type(error).__name__,
            advice="Write the secret alone on its first line.",
        ) from error
    if not (lines := text.splitlines()) or not lines[0].strip():
        raise UsageError(f"{given} holds no secret", advice="Write it on the first line.")
    return lines[0].strip()


def _summary(node: Node) -> dict[str, object]:
    ways = {"DIMSE": node.dimse, "DICOMweb": node.web, "S3": node.bucket}
    addresses = [
        f"{node.dimse.host}:{node.dimse.port}" if node.dimse else "",
        node.web.url if node.web else "",
        f"s3://{node.bucket.bucket}/{node.bucket.prefix}" if node.bucket else "",
    ]
    return {
        "ways": ", ".join(name for name, way in ways.items() if way),
        "aet": node.dimse.aet if node.dimse else None,
        "address": " ".join(filter(None, addresses)),
    }


def _plain(node: Node) -> dict[str, object]:
    """All of a node that may be shown, what is empty left out."""
    found: dict[str, object] = {}
    for name, value in asdict(node).items():
        if isinstance(value, dict):
            inner = {key: _shown(key, one) for key, one in value.items() if one}
            if inner:
                found[name] = inner
        elif value:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _shown(name: str, value: object) -> object:
    if name in _SECRETS:
        return "set"
    if isinstance(value, dict):  # TLS
        return ", ".join(f"{key} {one}" for key, one in value.items() if one) or "yes"
    return value if isinstance(value, int | float) else str(value)

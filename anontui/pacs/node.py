"""How archives are reached: named nodes, as a person writes them down in ``nodes.yml``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CALLING_AET = "ANONTUI"


@dataclass(frozen=True)
class Tls:
    """TLS of a DIMSE association (PS3.15 B.12).

    ``authority`` is the certificate that the archive's is checked against (the system's if it
    is None), ``certificate`` and ``key`` are ours, for archives that ask for them; all in PEM.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait: for a connection, for an association, and for each answer."""

    connect: float = 10.0
    associate: float = 30.0
    answer: float = 60.0


@dataclass(frozen=True)
class Dimse:
    """An application entity (PS3.8).

    Parameters
    ----------
    aet, host, port
        The archive's.
    calling_aet
        Ours, as the archive knows it.
    move_port
        Where we listen for what the archive sends to ``calling_aet`` on a C-MOVE; 0: C-MOVE is
        not possible.
    """

    aet: str
    host: str
    port: int
    calling_aet: str = CALLING_AET
    tls: Tls | None = None
    move_port: int = 0


@dataclass(frozen=True)
class Web:
    """A DICOMweb service (PS3.18): its url, and who we are there (Basic, or a Bearer token)."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    authority: Path | None = None


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3 service, and the prefix below which objects get their names.

    Without ``access_key`` the environment's credentials are used; without ``endpoint`` it is
    AWS's.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Node:
    """An archive by its name. What it offers is used, the fastest first.

    Parameters
    ----------
    name
        How people call it: letters, digits, ``-``, ``_`` and ``.``.
    dimse, web, bucket
        The ways to reach it, at least one.
    timeouts
        How long to wait.
    modalities
        The only modalities that are looked for, all if empty.
    sop_classes
        UIDs of the only SOP classes that are fetched, all if empty.
    transfer_syntaxes
        UIDs of the transfer syntaxes that are taken, the preferred first; if empty, all that
        the engine knows, uncompressed ones and whatever an archive has.
    """

    name: str
    dimse: Dimse | None = None
    web: Web | None = None
    bucket: Bucket | None = None
    timeouts: Timeouts = Timeouts()
    modalities: tuple[str, ...] = ()
    sop_classes: tuple[str, ...] = ()
    transfer_syntaxes: tuple[str, ...] = ()

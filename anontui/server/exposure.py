"""Who reaches the server: this machine only, or others over TLS."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import CannotStart
from anontui.server.config import ServerConfig
from anontui.server.users import Users


@dataclass(frozen=True)
class Exposure:
    """Where the server listens, and with which certificate and key."""

    address: str
    tls: tuple[Path, Path] | None = None

    @classmethod
    def of(cls, settings: ServerConfig) -> Exposure:
        """Read it off the settings.

        Raises
        ------
        CannotStart
            If other machines could reach the address and there is no TLS, or the
            certificate and the key cannot be used.
        """
        address = "127.0.0.1" if settings.host == "localhost" else settings.host
        found = cls(address, _tls(settings))
        if not found.is_private and found.tls is None:
            raise CannotStart(
                f"Other machines could reach {settings.host}, and tokens and data would travel"
                " there unencrypted",
                advice="Give it --tls-cert and --tls-key, or serve on 127.0.0.1.",
            )
        return found

    @property
    def is_private(self) -> bool:
        """True if this machine only reaches it."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False

    def check_users(self, users: Users) -> None:
        """Refuse to be reached by others before anybody has a token.

        Raises
        ------
        CannotStart
            If nobody has.
        """
        if not self.is_private and not any(user.tokens for user in users.all()):
            raise CannotStart(
                "Other machines would reach the server, but nobody has a token",
                advice="Give somebody one first: anontui serve user add NAME.",
            )

    def url(self, port: int) -> str:
        """The url by which clients call it."""
        host = self.address
        if host in ("0.0.0.0", "::"):  # noqa: S104 - every address of this machine
            host = socket.gethostname()
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _tls(settings: ServerConfig) -> tuple[Path, Path] | None:
    certificate, key = settings.certificate, settings.key
    if certificate is None or key is None:
        if certificate is not key:
            raise CannotStart(
                "TLS needs a certificate and a key; one of them is missing",
                advice="Give both, --tls-cert and --tls-key.",
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, _no_password)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) else ""
        raise CannotStart(
            f"The certificate {certificate} and the key {key} cannot be used",
            cause=getattr(error, "reason", None) or reason or str(error),
            advice="They must be PEM files that belong together, the key without a password.",
        ) from error
    return certificate, key


def _no_password() -> str:
    raise ValueError("the key has a password")

"""The url of a server, as a person writes it."""

from __future__ import annotations

from urllib.parse import urlsplit

from anontui.errors import UsageError


def server_url(text: str) -> str:
    """Check a server's url and write it without a trailing slash.

    Parameters
    ----------
    text
        ``http://`` or ``https://``, a host, if need be a port and a path.

    Raises
    ------
    UsageError
        If it is not such a url, or holds credentials, a query or a fragment.
    """
    url = text.strip()
    advice = "Write it as https://server.example or https://server.example/path."
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise UsageError("This is not a server's url", advice=advice) from None
    if parts.username is not None or parts.password is not None:
        # not shown: it may hold a password
        raise UsageError(
            "This server's url holds credentials",
            advice="Write it without them; the user name and token have settings of their own.",
        )
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_is_good
        or parts.query
        or parts.fragment
        or not url.isprintable()
        or any(letter in url for letter in ' \\"<>')
    ):
        raise UsageError(f"This is not a server's url: {url[:200]!r}", advice=advice)
    return url.rstrip("/?#")

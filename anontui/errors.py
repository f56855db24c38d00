"""Every failure that we expect, with what the user can do about it.

Each face shows them its own way: the command line prints :meth:`AnonTUIError.sentence`
and exits with 1, the app shows it as a toast with its details. No text here ever holds
a patient's identity: paths below a data folder and header values stay out of messages.
"""

from __future__ import annotations


class AnonTUIError(Exception):
    """An expected failure.

    Parameters
    ----------
    message
        What went wrong, one sentence without a final full stop.
    advice
        What the user can do about it, one sentence in the imperative.
    cause
        Technical detail for whoever wants it (an operating system's or a library's text).
    """

    def __init__(self, message: str, *, advice: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.cause = cause

    def sentence(self) -> str:
        """Message, cause and advice as one line."""
        text = self.message.rstrip(".")
        if self.cause:
            text += f" ({self.cause.rstrip('.')})"
        return f"{text}. {self.advice}".strip() if self.advice else f"{text}."


class UsageError(AnonTUIError):
    """Something was asked for in a way that cannot be understood."""


class SettingsError(AnonTUIError):
    """The user's settings are missing, unreadable or incomplete."""


class ProjectError(AnonTUIError):
    """A file of the project folder is missing, unreadable or wrong."""


class FileChangedError(ProjectError):
    """A file changed on disk since it was read, so saving would lose that change."""


class ScanError(AnonTUIError):
    """A folder cannot be scanned."""


class ServerError(AnonTUIError):
    """A server did not do what was asked."""


class ServerUnreachable(ServerError):
    """No answer: no such host, refused, timed out, or the connection broke.

    ``may_have_arrived`` tells whether the request can have reached the server, so that
    a job may exist that we know nothing of.
    """

    def __init__(
        self, message: str, *, advice: str = "", cause: str = "", may_have_arrived: bool = False
    ) -> None:
        super().__init__(message, advice=advice, cause=cause)
        self.may_have_arrived = may_have_arrived


class CertificateRefused(ServerUnreachable):
    """The server's TLS certificate is not trusted."""


class NotAWebAPI(ServerError):
    """Something answers, but it is not an anonymization web API."""


class CredentialsRefused(ServerError):
    """The server does not accept this user name and token (401)."""


class CallRefused(ServerError):
    """The call was understood and refused (400); ``errors`` is the server's own account."""

    def __init__(
        self, message: str, *, errors: dict[str, str], advice: str = "", cause: str = ""
    ) -> None:
        super().__init__(message, advice=advice, cause=cause)
        self.errors = errors


class UnexpectedAnswer(ServerError):
    """The answer is not what the call promises, so nothing may be concluded from it."""


class DeidError(AnonTUIError):
    """A file cannot be de-identified; it must not be delivered."""


class CannotStart(AnonTUIError):
    """A program of ours (server, app) cannot start or stop."""


class PacsError(AnonTUIError):
    """An archive of images cannot be reached, or did not do what was asked.

    ``transient`` tells whether a repeat may help.
    """

    def __init__(
        self, message: str, *, advice: str = "", cause: str = "", transient: bool = True
    ) -> None:
        super().__init__(message, advice=advice, cause=cause)
        self.transient = transient


class NotOffered(PacsError):
    """An archive does not offer what was asked of it in this way; another way may do."""

    def __init__(self, message: str, *, advice: str = "", cause: str = "") -> None:
        super().__init__(message, advice=advice, cause=cause, transient=False)


class NoSuchStudy(PacsError):
    """An archive does not have the study, or nothing of it that is wanted."""

    def __init__(self, message: str, *, advice: str = "", cause: str = "") -> None:
        super().__init__(message, advice=advice, cause=cause, transient=False)

"""A bucket of an S3 service as an archive to send to (extra ``s3``)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sending, Sent, Tick, Wanted
from anontui.pacs.files import read_head
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Bucket, Node
from anontui.pacs.query import Answer, Query

NameOf = Callable[[Path], str]
"""The name of a file's object, below the bucket's prefix."""

_TYPE = "application/dicom"
_THERE = frozenset(("PreconditionFailed", "412"))
_WHO = frozenset(
    ("AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
)
_NO_BUCKET = frozenset(("NoSuchBucket", "404"))
_NO_CONDITIONS = frozenset(("NotImplemented", "501"))
_AGAIN = frozenset(
    ("ConditionalRequestConflict", "409", "SlowDown", "RequestTimeout", "InternalError")
)

# botocore would tell of each request with its headers
for _name in ("boto3", "botocore", "s3transfer", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class BucketArchive:
    """The bucket of a node; see :class:`~anontui.pacs.archive.Archive`. It can only be sent to.

    Raises
    ------
    PacsError
        If what talks to S3 is not installed, or has no credentials.
    """

    def __init__(self, node: Node, name_of: NameOf | None = None) -> None:
        if node.bucket is None:
            raise ValueError("this node has no bucket")
        self.node = node
        self._bucket = node.bucket
        self._name_of = name_of or _by_uids
        self._client = _client(node, node.bucket)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def echo(self) -> float:
        """Ask whether the bucket is there; returns how many seconds the answer took."""
        start = time.monotonic()
        try:
            self._client.head_bucket(Bucket=self._bucket.bucket)
        except Exception as error:  # noqa: BLE001 - botocore's errors are imported with it only
            self._raise(error)
        return time.monotonic() - start

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """A bucket cannot be searched."""
        raise self._only_sent_to()

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """A bucket is not retrieved from."""
        raise self._only_sent_to()

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Put files under their names, where no object has that name yet.

        Raises
        ------
        PacsError
            If the bucket cannot be reached, or does not take anything from us.
        """
        for path in files:
            tick()
            yield self._put(path)

    def _put(self, path: Path) -> Sent:
        try:
            key = _key(self._bucket.prefix, self._name_of(path))
            with path.open("rb") as file:
                self._client.put_object(
                    Bucket=self._bucket.bucket,
                    Key=key,
                    Body=file,
                    ContentType=_TYPE,
                    IfNoneMatch="*",
                )
        except (OSError, ValueError):
            return Sent(path, Sending.FAILED, "it cannot be read as a DICOM file", transient=False)
        except Exception as error:  # noqa: BLE001 - botocore's errors are imported with it only
            code = _code_of(error)
            if code in _THERE:
                return Sent(path, Sending.THERE)
            if code in _AGAIN:
                return Sent(path, Sending.FAILED, f"the bucket is busy ({code})")
            if code == "EntityTooLarge":
                return Sent(path, Sending.FAILED, "it is too large for the bucket", False)
            self._raise(error)
        return Sent(path, Sending.SENT)

    def _raise(self, error: Exception) -> NoReturn:
        """Raise what an error of botocore means; its text is kept back, as it may show keys."""
        from botocore.exceptions import (  # type: ignore[import-untyped]  # no stubs
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            PartialCredentialsError,
        )

        name, code = self.node.name, _code_of(error)
        if code in _WHO or isinstance(error, NoCredentialsError | PartialCredentialsError):
            raise PacsError(
                f"The bucket of {name} does not let us in",
                cause=code,
                advice="Check access_key and secret_key of the node, and what they may do.",
                transient=False,
            ) from None
        if code in _NO_BUCKET:
            raise PacsError(
                f"The bucket of {name} does not exist",
                advice="Check bucket, endpoint and region of the node.",
                transient=False,
            ) from None
        if code in _NO_CONDITIONS:
            raise NotOffered(
                f"The S3 service of {name} cannot put an object only where there is none",
                advice="Use a service that knows If-None-Match, so that nothing is overwritten.",
            ) from None
        if isinstance(error, ClientError):
            raise PacsError(
                f"The bucket of {name} does not take it",
                cause=code,
                advice="Ask the people of this service, and give them the cause.",
                transient=error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500,
            ) from None
        if isinstance(error, BotoCoreError):
            raise PacsError(
                f"The bucket of {name} cannot be reached",
                cause=type(error).__name__,
                advice="Check endpoint and region of the node, and the network.",
            ) from None
        raise error

    def _only_sent_to(self) -> NotOffered:
        return NotOffered(
            f"{self.node.name} is a bucket, which can only be sent to",
            advice="Search and retrieve at a node with DIMSE or DICOMweb.",
        )


def _client(node: Node, bucket: Bucket) -> Any:
    try:
        import boto3  # type: ignore[import-untyped]  # no stubs
        from botocore.config import Config  # type: ignore[import-untyped]  # no stubs
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise PacsError(
            f"{node.name} is a bucket, and what talks to S3 is not installed",
            advice="Install it with: pip install 'anontui[s3]'",
            transient=False,
        ) from None
    try:
        return boto3.session.Session(
            aws_access_key_id=bucket.access_key or None,
            aws_secret_access_key=bucket.secret_key or None,
            region_name=bucket.region or ("us-east-1" if bucket.endpoint else None),
        ).client(
            "s3",
            endpoint_url=bucket.endpoint or None,
            config=Config(
                connect_timeout=node.timeouts.connect,
                read_timeout=node.timeouts.answer,
                retries={"total_max_attempts": 3, "mode": "standard"},
                # many services other than AWS's do not know the checksums after a body
                request_checksum_calculation=(
                    "when_required" if bucket.endpoint else "when_supported"
                ),
            ),
        )
    except (BotoCoreError, ValueError):  # its text may show what was given
        raise PacsError(
            f"The bucket of {node.name} cannot be used as it is written down",
            advice="Check its endpoint, region, access_key and secret_key.",
            transient=False,
        ) from None


def _code_of(error: Exception) -> str:
    response = getattr(error, "response", None)
    problem = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(problem.get("Code", ""))[:40]


def _by_uids(path: Path) -> str:
    head = read_head(path)
    return f"{head.study}/{head.series}/{head.instance}.dcm"


def _key(prefix: str, name: str) -> str:
    """Join a prefix and a name.

    Raises
    ------
    ValueError
        If the name is none, or leads out of the prefix.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise ValueError("this is no name of an object")
    return "/".join(part for part in (*prefix.split("/"), *parts) if part)

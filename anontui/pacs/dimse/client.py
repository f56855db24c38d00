"""Asking for associations, and saying what to do when there is none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence

from pynetdicom import build_context
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)

from anontui import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from anontui.errors import PacsError
from anontui.pacs.dimse.contexts import Proposal
from anontui.pacs.dimse.upper import (
    LONGEST_PDU,
    Association,
    Context,
    Ended,
    How,
    Pdu,
    Wire,
)
from anontui.pacs.node import Dimse, Node, Tls

APPLICATION = "1.2.840.10008.3.1.1.1"

_TEMPORARY = 2  # result of an A-ASSOCIATE-RJ (PS3.8 9.3.4)
_BY_USER = 1
_CALLING_UNKNOWN, _CALLED_UNKNOWN = 3, 7


def associate(
    node: Node, dimse: Dimse, proposals: Sequence[Proposal], tick: Callable[[], None]
) -> Association:
    """Connect, and negotiate an association; at most 128 contexts.

    Raises
    ------
    PacsError
        With advice, if there is none.
    """
    try:
        asked = _request(dimse, proposals)
    except ValueError as error:
        raise PacsError(
            f"The AE titles of {node.name} cannot be used",
            advice="Give AE titles of 1 to 16 letters, digits, '-' and '_'.",
            transient=False,
        ) from error
    wire = Wire(_connect(node, dimse), node.timeouts.associate, tick)
    try:
        wire.write(asked)
        kind, content = wire.read()
        if kind == Pdu.ASSOCIATE_RJ and len(content) >= 4:
            raise _rejected(node, dimse, *content[1:4])
        if kind == Pdu.ABORT:
            raise Ended(How.ABORTED)
        if kind != Pdu.ASSOCIATE_AC:
            raise Ended(How.NONSENSE)
        association = _accepted(wire, bytes(content), proposals)
    except Ended as error:
        wire.close()
        raise not_dicom(node, dimse, error) from error
    except BaseException:
        wire.close()
        raise
    wire.patience = node.timeouts.answer
    return association


def _request(dimse: Dimse, proposals: Sequence[Proposal]) -> bytes:
    contexts = []
    for index, one in enumerate(proposals):
        context = build_context(one.sop_class, list(one.syntaxes))
        context.context_id = 2 * index + 1
        contexts.append(context)
    roles: list[Item] = []
    for uid in dict.fromkeys(one.sop_class for one in proposals if one.receive):
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid, role.scu_role, role.scp_role = uid, False, True
        roles.append(role)
    primitive = A_ASSOCIATE()
    primitive.application_context_name = APPLICATION
    primitive.calling_ae_title, primitive.called_ae_title = dimse.calling_aet, dimse.aet
    primitive.presentation_context_definition_list = contexts
    primitive.user_information = [*ourselves(), *roles]
    return bytes(A_ASSOCIATE_RQ(primitive).encode())


Item = (
    MaximumLengthNotification
    | ImplementationClassUIDNotification
    | ImplementationVersionNameNotification
    | SCP_SCU_RoleSelectionNegotiation
)


def ourselves() -> list[Item]:
    """Who we are, and how long a PDU may be (PS3.7 D.3.3)."""
    longest = MaximumLengthNotification()
    longest.maximum_length_received = LONGEST_PDU
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = IMPLEMENTATION_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_NAME
    return [longest, implementation, version]


def longest_of(primitive: A_ASSOCIATE) -> int:
    """How long a PDU the other side takes, 0 for any."""
    for item in primitive.user_information:
        if isinstance(item, MaximumLengthNotification):
            return item.maximum_length_received
    return 0


def _accepted(wire: Wire, content: bytes, proposals: Sequence[Proposal]) -> Association:
    pdu = A_ASSOCIATE_AC()
    try:
        pdu.decode(b"\x02\0" + len(content).to_bytes(4, "big") + content)
        primitive = pdu.to_primitive()
        contexts: dict[int, Context] = {}
        results = primitive.presentation_context_definition_results_list
        if not results:
            raise Ended(How.NONSENSE)
        for one in results:
            number, syntax = one.context_id or 0, one.transfer_syntax[:1]
            if one.result == 0 and number % 2 and syntax[0] in proposals[number // 2].syntaxes:
                sop_class = proposals[number // 2].sop_class
                contexts[number] = Context(number, sop_class, str(syntax[0]))
        longest = longest_of(primitive)
    except Exception as error:
        raise Ended(How.NONSENSE) from error
    return Association(wire, contexts, longest)


def _connect(node: Node, dimse: Dimse) -> socket.socket:
    try:
        connection = socket.create_connection((dimse.host, dimse.port), node.timeouts.connect)
    except (OSError, UnicodeError, OverflowError) as error:
        raise _unreachable(node, dimse, error) from error
    if dimse.tls is None:
        return connection
    try:
        return _context(node, dimse.tls).wrap_socket(connection, server_hostname=dimse.host)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise PacsError(
            f"The certificate of {node.name} is not trusted",
            advice="Give the authority that signed it, and the host name that it was made for.",
            cause=error.verify_message,
            transient=False,
        ) from error
    except OSError as error:
        connection.close()
        raise PacsError(
            f"{node.name} makes no secure connection",
            advice="Check whether this port speaks TLS, and if it wants a certificate of ours.",
            cause=str(getattr(error, "reason", "") or error.strerror or ""),
        ) from error
    except BaseException:
        connection.close()
        raise


def _context(node: Node, tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.authority)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise PacsError(
            f"A certificate file of {node.name} cannot be read",
            advice="Check the paths of authority, certificate and key, all PEM files.",
            transient=False,
        ) from error
    return context


def _unreachable(node: Node, dimse: Dimse, error: Exception) -> PacsError:
    where = f"{dimse.host}:{dimse.port}"
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return PacsError(
            f"The host of {node.name}, {dimse.host}, is not known",
            advice="Check its name.",
        )
    if isinstance(error, ConnectionRefusedError):
        return PacsError(
            f"Nothing listens for {node.name} at {where}",
            advice="Check the port, and whether the archive is running.",
        )
    if isinstance(error, TimeoutError):
        return PacsError(
            f"{node.name} at {where} does not answer",
            advice="Check host and port, and whether a firewall lets this machine through.",
        )
    return PacsError(
        f"{node.name} at {where} cannot be reached",
        advice="Check host, port and network.",
        cause=str(getattr(error, "strerror", "") or ""),
    )


def _rejected(node: Node, dimse: Dimse, result: int, source: int, reason: int) -> PacsError:
    if source == _BY_USER and reason == _CALLED_UNKNOWN:
        return PacsError(
            f"{node.name} is not called {dimse.aet}",
            advice="Ask its administrators for its AE title, and correct it.",
            transient=False,
        )
    if source == _BY_USER and reason == _CALLING_UNKNOWN:
        return PacsError(
            f"{node.name} does not know us as {dimse.calling_aet}",
            advice="Have its administrators add this AE title with the address of this machine.",
            transient=False,
        )
    if result == _TEMPORARY:
        return PacsError(f"{node.name} is too busy for us now", advice="Try again in a while.")
    return PacsError(
        f"{node.name} does not accept our association",
        advice="Have its administrators check that both AE titles are known and allowed.",
        cause=f"reject {result}/{source}/{reason}",
        transient=False,
    )


def not_dicom(node: Node, dimse: Dimse, error: Ended) -> PacsError:
    """What to say of an association that was never made."""
    where = f"{dimse.host}:{dimse.port}"
    if error.how is How.SILENT:
        return PacsError(
            f"{node.name} at {where} takes the connection and says nothing",
            advice="Check that this port speaks DICOM, with TLS or without; or the archive hangs.",
        )
    if error.how is How.NONSENSE:
        return PacsError(
            f"What listens for {node.name} at {where} does not speak DICOM",
            advice="Check the port.",
            transient=False,
        )
    return PacsError(
        f"{node.name} at {where} closes the connection",
        advice="Check the port, TLS, and that its administrators allow this machine.",
    )


def broken(node: Node, error: Ended) -> PacsError:
    """What to say of an association that ended in the middle."""
    advice = "Try again; what came is kept."
    if error.how is How.SILENT:
        advice = "Try again; if the archive is only slow, give it more time to answer."
    return PacsError(f"{node.name}: {error.how.value}", advice=advice)

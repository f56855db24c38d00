"""Associations over a socket pair: what is said in pieces, wrongly, late, or not at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pynetdicom.dsutils import decode
from pynetdicom.dsutils import encode as encode_dataset

from anontui.pacs.dimse.command import RESPONSE, Command, E, Field, Malformed, request
from anontui.pacs.dimse.contexts import MOST, PLAIN, STORAGE, SYNTAXES, to_receive
from anontui.pacs.dimse.upper import Association, Context, Ended, How, Pdu, Wire, simple_pdu

CT = "1.2.840.10008.5.1.4.1.1.2"
CONTEXT = Context(1, CT, PLAIN[0])
UIDS = st.from_regex(r"1\.2(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True)


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        yield ours, theirs


def association(connection: socket.socket, longest: int = 0, patience: float = 5) -> Association:
    return Association(Wire(connection, patience), {1: CONTEXT}, longest)


@given(
    data=st.binary(max_size=5_000),
    longest=st.integers(8, 2_000),
    instance=UIDS,
    as_file=st.booleans(),
)
def test_a_message_arrives_as_it_was_sent(
    data: bytes, longest: int, instance: str, as_file: bool
) -> None:
    with connected() as (ours, theirs):
        sender, receiver = association(ours, longest), association(theirs)
        store = request(Field.STORE, CT, instance=instance)
        for _ in range(2):
            sender.send(CONTEXT, store, BytesIO(data) if as_file else data)
            if not data:  # a data set of nothing cannot be sent as fragments
                return
            context, command = receiver.receive()
            assert context == CONTEXT
            assert command.text(E.INSTANCE) == instance
            came = b"".join(map(bytes, receiver.data()))
            assert came == data + bytes(len(data) % 2)


def test_small_answers_are_not_held_back() -> None:
    with connected() as (ours, _):
        assert not ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        association(ours)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@given(data=st.binary(min_size=1, max_size=400), cuts=st.lists(st.integers(1, 60), max_size=30))
def test_bytes_may_come_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    with connected() as (ours, theirs), connected() as (recorder, tape):
        association(recorder, 50).send(CONTEXT, request(Field.STORE, CT, instance="1.2"), data)
        recorder.shutdown(socket.SHUT_WR)
        whole = b"".join(iter(lambda: tape.recv(4096), b""))
        receiver = association(theirs)
        for cut in cuts:
            ours.sendall(whole[:cut])
            whole = whole[cut:]
        ours.sendall(whole)
        receiver.receive()
        assert b"".join(map(bytes, receiver.data())) == data + bytes(len(data) % 2)


@given(st.binary(max_size=300))
def test_hostile_bytes_end_the_association_and_nothing_else(data: bytes) -> None:
    with connected() as (ours, theirs):
        receiver = association(theirs)
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(Ended):
            while True:
                receiver.receive()
        assert not receiver.alive


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", How.NONSENSE),
        (simple_pdu(Pdu.ABORT), How.ABORTED),
        (simple_pdu(Pdu.RELEASE_RQ), How.RELEASED),
        (b"\x04\0\xff\xff\xff\xff", How.NONSENSE),
        (b"\x04\0\0\0\0\x06\0\0\0\xff\x01\x03", How.NONSENSE),
        (b"\x04\0\0\0", How.LOST),
    ],
)
def test_how_it_ends_is_told(said: bytes, how: How) -> None:
    with connected() as (ours, theirs):
        receiver = association(theirs)
        ours.sendall(said)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(Ended) as caught:
            receiver.receive()
        assert caught.value.how is how


def test_a_command_without_end_is_not_kept() -> None:
    piece = b"\x04\0" + (16_006).to_bytes(4, "big") + (16_002).to_bytes(4, "big") + b"\x01\x01"
    with connected() as (ours, theirs):
        receiver = association(theirs)
        ours.sendall((piece + bytes(16_000)) * 5)
        with pytest.raises(Ended) as caught:
            receiver.receive()
        assert caught.value.how is How.NONSENSE


def test_who_says_nothing_is_waited_for_only_so_long() -> None:
    with connected() as (_, theirs):
        receiver = association(theirs, patience=0.1)
        with pytest.raises(Ended) as caught:
            receiver.receive()
        assert caught.value.how is How.SILENT


def test_who_takes_nothing_is_waited_for_only_so_long() -> None:
    with connected() as (ours, _):
        with pytest.raises(Ended) as caught:
            association(ours, patience=0.1).send(
                CONTEXT, request(Field.STORE, CT, instance="1.2"), bytes(1 << 25)
            )
        assert caught.value.how is How.SILENT


@pytest.mark.parametrize("sending", [True, False])
def test_waiting_can_be_stopped(sending: bool) -> None:
    class Stopped(Exception):
        pass

    def tick() -> None:
        raise Stopped

    with connected() as (ours, _):
        one = Association(Wire(ours, 60, tick), {1: CONTEXT}, 0)
        with pytest.raises(Stopped):
            if sending:
                one.send(CONTEXT, request(Field.STORE, CT, instance="1.2"), bytes(1 << 25))
            else:
                one.receive()


def test_both_sides_may_release_at_once() -> None:
    with connected() as (ours, theirs):
        theirs.sendall(simple_pdu(Pdu.RELEASE_RQ) + simple_pdu(Pdu.RELEASE_RP))
        association(ours).release()
        assert theirs.recv(100) == simple_pdu(Pdu.RELEASE_RQ) + simple_pdu(Pdu.RELEASE_RP)


@given(instance=UIDS, message=st.integers(0, 0xFFFF), status=st.integers(0, 0xFFFF))
def test_command_sets_are_those_of_pynetdicom(instance: str, message: int, status: int) -> None:
    theirs = Dataset()
    theirs.AffectedSOPClassUID = CT
    theirs.CommandField = 1
    theirs.MessageID = message
    theirs.Priority = 0
    theirs.CommandDataSetType = 1
    theirs.AffectedSOPInstanceUID = instance
    command = Command.decode(encode_dataset(theirs, True, True) or b"")
    assert (command.field, command.has_data) == (Field.STORE, True)
    answer = decode(BytesIO(command.answer(status).encode(with_data=False)), True, True)
    assert answer.CommandField == Field.STORE | RESPONSE
    assert answer.MessageIDBeingRespondedTo == message
    assert answer.Status == status
    assert answer.AffectedSOPClassUID == CT
    assert answer.AffectedSOPInstanceUID == instance
    assert answer.CommandDataSetType == 0x0101
    assert answer.CommandGroupLength == len(command.answer(status).encode(with_data=False)) - 12


@given(st.binary(max_size=100))
def test_no_bytes_break_the_reading_of_commands(data: bytes) -> None:
    try:
        command = Command.decode(data)
    except Malformed:
        return
    command.answer(0).encode(with_data=False)


@given(
    st.lists(st.sampled_from(STORAGE), unique=True),
    st.lists(st.sampled_from(SYNTAXES), unique=True),
)
def test_all_that_may_come_is_proposed_in_what_room_there_is(
    classes: list[str], wanted: list[str]
) -> None:
    proposals = to_receive(classes, wanted)
    assert len(proposals) < MOST
    for one in classes[: MOST - 1]:
        groups = [p.syntaxes for p in proposals if p.sop_class == one]
        assert sorted(s for group in groups for s in group) == sorted(wanted or SYNTAXES)
    if len(classes) == 1:  # nothing has to be chosen, so nothing is transcoded
        assert all(len(p.syntaxes) == 1 for p in proposals)

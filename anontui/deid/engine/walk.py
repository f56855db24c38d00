"""One way through the bytes of one data set."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple, cast

from anontui.deid.engine import facts as at
from anontui.deid.engine.facts import Facts
from anontui.deid.engine.plan import Plan
from anontui.deid.engine.private import creator_tag, is_creator
from anontui.deid.engine.raw import (
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    Unusual,
    behind_items,
    is_implicit,
    u32,
)
from anontui.deid.engine.runs import Treated
from anontui.deid.engine.scopes import (
    CONST,
    DROP,
    IS_FACT,
    IS_TOKEN,
    KEEP,
    MEMO,
    PIXELS,
    PRIVATE,
    SEQUENCE,
    STRICT,
    Kind,
    Scope,
)
from anontui.deid.engine.source import (
    NATIVE,
)
from anontui.deid.values.form import SHORTEST_TEXT, looks_like_text
from anontui.deid.values.treatment import Treatment

_LONGEST_TAIL = 1 << 20
_LONG = 8  # where the length of a long VR stands
_NO_TAG = 1 << 40  # behind every tag

_pack_u32 = struct.Struct("<L").pack


class WindowTooSmall(Exception):
    """The header goes on behind what was read."""


class OtherKind(Exception):
    """The file is not of the kind that was guessed."""


class Emission(NamedTuple):
    """A de-identified data set that is not written yet.

    ``head``, then ``length`` bytes of the source from ``start``, then ``tail``. UIDs are the
    source's, as bytes without padding.
    """

    syntax: str
    head: list[bytes]
    start: int
    length: int
    tail: bytes
    treatment: Treatment
    sop_class: str
    uids: tuple[str, str, str]
    counts: list[str]
    stayed: list[tuple[int, str]]


class Walk:
    """One way through one file."""

    def __init__(self, plan: Plan, data: bytes, file: int, size: int, syntax: str) -> None:
        self._plan = plan
        self._data = data
        self._file = file
        self._size = size
        self._syntax = syntax
        self._key_length = 4 if plan.implicit else 6
        self._most_elements = plan.policy.limits.elements * 8  # bytes that hold that many
        self._values: dict[int, bytes] = {}
        self._told: list[tuple[int, bytes]] = []
        self._texts: list[str] = []
        self._stayed: list[tuple[int, str]] = []
        self._counts: list[str] = []
        self._record: list[tuple[int, int]] | None = None
        self._missed_runs = 0
        self._pixel_tag = 0
        self._pixel_end = 0
        self._pixel_length: int | None = 0

    def run(self, start: int) -> Emission:
        """Walk the data set that begins at ``start``."""
        data, size, plan = self._data, self._size, self._plan
        if len(data) > self._most_elements:
            raise Unusual
        self._record = plan.runs.record()
        out, end = self._elements(start, len(data), plan.top, 0, plan.inserted)
        pixel_end = self._pixel_end
        tail = b""
        if pixel_end > size:
            raise Unusual
        if pixel_end:
            if pixel_end < size:
                tail = self._tail(pixel_end)
        elif len(data) < size:
            raise WindowTooSmall
        else:
            end = pixel_end = size
        values = self._values
        if (
            values.get(at.PATIENT_ID, b"") != plan.patient_id
            or values.get(at.SOP_CLASS, b"") != plan.sop_class_value
            or values.get(at.CHARACTER_SET, b"") != plan.character_set
        ):
            raise OtherKind
        uids = (
            values.pop(at.STUDY_INSTANCE, b"").decode("latin-1").strip(" \0"),
            values.pop(at.SERIES_INSTANCE, b"").decode("latin-1").strip(" \0"),
            values.pop(at.SOP_INSTANCE, b"").decode("latin-1").strip(" \0"),
        )
        if not (uids[0] and uids[1] and uids[2]):
            raise Unusual
        plan.check(Facts(values, True, self._pixel_length), self._syntax)
        head = out if out is not None else [data[start:end]]
        if plan.policy.filters.identity_left:
            words = plan.words(tuple(self._told))
            if words.texts:
                searched = b"".join(head) + tail
                if words.may_be_in(searched, self._texts):
                    raise Unusual
                head = [searched[: len(searched) - len(tail)]] if tail else [searched]
        plan.runs.seen(data, self._record, self._missed_runs, self._key_length, self._again)
        return Emission(
            self._syntax,
            head,
            end,
            pixel_end - end,
            tail,
            plan.treatment,
            plan.sop_class,
            uids,
            self._counts,
            self._stayed,
        )

    def _again(self, start: int, stop: int) -> Treated:
        """Walk a part of the file once more, for what it comes to."""
        walk = Walk(self._plan, self._data, -1, self._size, self._syntax)
        out, _ = walk._elements(start, stop, self._plan.top, 0)
        joined = None if out is None else b"".join(out)
        return Treated(joined, walk._values, walk._told, walk._texts, walk._counts, walk._stayed)

    def _take(self, treated: Treated) -> None:
        """Take in what a run comes to, as if it had been walked."""
        self._values.update(treated.values)
        self._told += treated.told
        self._texts += treated.texts
        self._counts += treated.counts
        self._stayed += treated.stayed

    def _tail(self, start: int) -> bytes:
        """What comes of the elements behind the pixel data."""
        length = self._size - start
        if length > _LONGEST_TAIL:
            raise Unusual
        in_memory = self._file < 0
        data = self._data[start:] if in_memory else os.pread(self._file, length, start)
        if len(data) != length:
            raise Unusual
        if not data.strip(b"\0"):  # zeros that pad the file
            return b""
        header, self._data = self._data, data
        out, _ = self._elements(0, length, self._plan.top, 0, last=self._pixel_tag)
        self._data = header
        return data if out is None else b"".join(out)

    def _elements(  # noqa: PLR0912, PLR0915 - one loop: a call would cost more than most elements
        self,
        start: int,
        end: int,
        scope: Scope,
        depth: int,
        inserted: list[tuple[int, bytes]] | None = None,
        *,
        is_delimited: bool = False,
        last: int = -1,
    ) -> tuple[list[bytes] | None, int]:
        """Walk elements up to ``end`` or a delimiter (or, at the top, up to the pixels' value).

        Returns
        -------
        list or None
            The pieces that take their place; ``None`` if nothing changes.
        int
            Where they end (behind the delimiter).
        """
        data, key_length = self._data, self._key_length
        find, memo = scope.kinds.get, scope.memo
        runs = self._plan.runs.known if inserted is not None else None
        record = self._record if inserted is not None else None
        out: list[bytes] = []
        creators: dict[int, tuple[int, bytes, bytes]] = {}
        run = at_ = start
        pending = iter(inserted or ())
        next_tag, next_bytes = next(pending, (_NO_TAG, b""))
        while at_ < end:
            key = data[at_ : at_ + key_length]
            if runs:
                known = runs.get(key)
                if known is not None:
                    raw, tag, behind, treated = known
                    if tag > last and data.startswith(raw, at_):
                        while tag >= next_tag:
                            out.append(data[run:at_])
                            out.append(next_bytes)
                            run = at_
                            next_tag, next_bytes = next(pending, (_NO_TAG, b""))
                        last = behind
                        if treated.out is None:
                            at_ += len(raw)
                        else:
                            out.append(data[run:at_])
                            out.append(treated.out)
                            run = at_ = at_ + len(raw)
                        self._take(treated)
                        continue
                    self._missed_runs += 1
            kind = find(key)
            if kind is None:
                if key[:4] == ITEM_END and is_delimited:
                    if u32(data, at_ + 4)[0]:
                        raise Unusual
                    if not out:
                        return None, at_ + 8
                    out.append(data[run:at_])
                    return out, at_ + 8
                if len(key) < key_length:
                    raise WindowTooSmall
                kind = scope.learn(key)
            do, tag, form, wanted, argument, count = kind
            if tag <= last:
                raise Unusual
            last = tag
            while tag >= next_tag:
                out.append(data[run:at_])
                out.append(next_bytes)
                run = at_
                next_tag, next_bytes = next(pending, (_NO_TAG, b""))
            if record is not None:
                record.append((tag, at_))
            if form:
                value = at_ + form + 4
                length = u32(data, at_ + form)[0]
                if form == _LONG and data[at_ + 6 : at_ + 8] != b"\0\0":  # reserved
                    raise Unusual
                if length == UNDEFINED and do != PIXELS:
                    if wanted & IS_TOKEN or do < DROP or do == PRIVATE:
                        raise Unusual
                    upto, pieces, stop = self._open(kind, at_, value, end, scope, depth)
                    if pieces is not None:
                        out.append(data[run:upto])
                        out += pieces
                        run = stop
                    at_ = stop
                    continue
            else:
                value = at_ + 8
                length = data[at_ + 6] | data[at_ + 7] << 8
            stop = value + length
            if stop > end and do != PIXELS:
                raise WindowTooSmall if end == len(data) else Unusual
            if wanted:
                if wanted & IS_FACT:
                    self._values[tag] = data[value:stop] if do != PIXELS else b""
                if wanted & IS_TOKEN:
                    self._told.append((tag, data[value:stop]))
            if do == STRICT:
                if argument(data, value, stop) is None:  # type: ignore[operator]  # STRICT has one
                    raise Unusual
            elif do == MEMO:
                raw = data[at_:stop]
                entry = memo.get(raw)
                if entry is None:
                    entry = scope.entry(kind, raw, data[value:stop])
                new, text, count, stayed = entry
                if text:
                    self._texts.append(text)
                if stayed:
                    self._stayed.append(stayed)
                if new is not None:
                    self._counts.append(count)
                    if run != at_:
                        out.append(data[run:at_])
                    out.append(new)
                    run = stop
            elif do == KEEP:
                if length % cast(int, argument):
                    raise Unusual
                if length >= SHORTEST_TEXT and argument != 1 and looks_like_text(data[value:stop]):
                    raise Unusual
            elif do <= CONST:
                self._counts.append(count)
                if run != at_:
                    out.append(data[run:at_])
                out.append(cast(bytes, argument))
                run = stop
            elif do == PRIVATE:
                if is_creator(tag):  # it stays if an element of its block does
                    out.append(data[run:at_])
                    creators[tag] = (len(out), data[at_:stop], data[value:stop])
                    out.append(b"")
                    run = stop
                else:
                    slot, creator, name = creators.get(creator_tag(tag), (-1, b"", b""))
                    new, text, count, _ = scope.private(kind, name, data[value:stop])
                    if text:
                        self._texts.append(text)
                    if new is not None:
                        self._counts.append(count)
                        out.append(data[run:at_])
                        run = stop
                    elif slot >= 0:
                        out[slot] = creator
            elif do == SEQUENCE:
                pieces, _ = self._items(value, stop, scope.inside(tag), depth, is_open=False)
                if pieces is not None:
                    out.append(data[run : value - 4])
                    out.append(_pack_u32(sum(map(len, pieces))))
                    out += pieces
                    run = stop
            elif inserted is None:  # a second one
                raise Unusual
            else:
                self._pixels(tag, value, length)
                out.append(data[run:value])
                return out, value
            at_ = stop
        if is_delimited:
            raise WindowTooSmall if end == len(data) else Unusual
        for _, made in ((next_tag, next_bytes), *pending):
            if made:
                out.append(data[run:at_])
                out.append(made)
                run = at_
        if not out:
            return None, at_
        out.append(data[run:at_])
        return out, at_

    def _open(
        self, kind: Kind, start: int, value: int, end: int, scope: Scope, depth: int
    ) -> tuple[int, list[bytes] | None, int]:
        """An element of undefined length: up to where it is kept, what follows, where it ends."""
        if kind.do == SEQUENCE:
            pieces, stop = self._items(value, end, scope.inside(kind.tag), depth, is_open=True)
            return value, pieces, stop
        stop = behind_items(self._data, value, is_implicit(self._data, start, self._plan.implicit))
        if stop > end:
            raise WindowTooSmall if end == len(self._data) else Unusual
        self._counts.append(kind.counted)
        return start, [cast(bytes, kind.argument)], stop

    def _items(
        self, start: int, end: int, scope: Scope, depth: int, *, is_open: bool
    ) -> tuple[list[bytes] | None, int]:
        """Walk the items of a sequence, up to ``end`` or (``is_open``) to its delimiter."""
        if depth >= self._plan.policy.limits.depth:
            raise Unusual
        data = self._data
        out: list[bytes] = []
        run = at_ = start
        while is_open or at_ < end:
            name, length = data[at_ : at_ + 4], u32(data, at_ + 4)[0]
            value = at_ + 8
            if name == SEQUENCE_END and is_open and not length:
                at_ = value
                break
            if name != ITEM:
                raise Unusual
            is_delimited = length == UNDEFINED
            stop = end if is_delimited else value + length
            if stop > end:
                raise WindowTooSmall if end == len(data) else Unusual
            pieces, stop = self._elements(value, stop, scope, depth + 1, is_delimited=is_delimited)
            if pieces is not None:
                out.append(data[run:at_])
                if is_delimited:
                    out.append(data[at_:value])
                    out += pieces
                    out.append(ITEM_END + b"\0\0\0\0")
                else:
                    out.append(ITEM + _pack_u32(sum(map(len, pieces))))
                    out += pieces
                run = stop
            at_ = stop
        if at_ > end or (not is_open and at_ != end):
            raise Unusual
        if not out:
            return None, at_
        out.append(data[run:at_])
        return out, at_

    def _pixels(self, tag: int, value: int, length: int) -> None:
        """Measure the pixel data."""
        self._pixel_tag = tag
        if length != UNDEFINED:
            self._pixel_length = length
            self._pixel_end = value + length
            return
        if self._syntax in NATIVE:
            raise Unusual
        self._pixel_length = None
        at_ = value
        while True:  # from fragment to fragment
            head = self._data[at_ : at_ + 8]
            if len(head) < 8 and self._file >= 0:
                head = os.pread(self._file, 8, at_)
            name, size = head[:4], u32(head, 4)[0]
            at_ += 8
            if name == SEQUENCE_END and not size:
                break
            if name != ITEM or size == UNDEFINED or at_ + size > self._size:
                raise Unusual
            at_ += size
        self._pixel_end = at_

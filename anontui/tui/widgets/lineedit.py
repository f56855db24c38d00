"""Editing one line of text: what the keys do and which part of it shows, without a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len


def printable(text: str) -> str:
    """Return ``text`` with each character that could steer a terminal replaced by one that cannot.

    Indices keep their meaning: one character stands for one character. C0 controls become
    their pictures (``␛``), other blanks a space, anything else that does not print ``�``.
    """
    return text if text.isprintable() else "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return " " if character.isspace() and code > 0x9F else "�"


class LineEdit:
    """A line of text with a cursor.

    The cursor stands before ``text[cursor]`` and never between a character and the
    combining marks that follow it.
    """

    def __init__(self, text: str = "") -> None:
        self.text = _one_line(text)
        self.cursor = len(self.text)
        self._first = 0

    def insert(self, text: str) -> None:
        """Insert typed or pasted text at the cursor; line ends and tabs become spaces."""
        text = _one_line(text)
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def left(self) -> None:
        """Move one character to the left."""
        self.cursor = self._left()

    def right(self) -> None:
        """Move one character to the right."""
        self.cursor = self._right()

    def word_left(self) -> None:
        """Move to the start of this word, or of the one before."""
        self.cursor = self._word_left()

    def word_right(self) -> None:
        """Move behind the end of this word, or of the next."""
        self.cursor = self._word_right()

    def home(self) -> None:
        """Move to the start."""
        self.cursor = 0

    def end(self) -> None:
        """Move behind the last character."""
        self.cursor = len(self.text)

    def backspace(self) -> None:
        """Delete the character to the left."""
        self._delete(self._left(), self.cursor)

    def delete(self) -> None:
        """Delete the character under the cursor."""
        self._delete(self.cursor, self._right())

    def delete_word_left(self) -> None:
        """Delete back to the start of a word."""
        self._delete(self._word_left(), self.cursor)

    def delete_word_right(self) -> None:
        """Delete up to the end of a word."""
        self._delete(self.cursor, self._word_right())

    def delete_to_start(self) -> None:
        """Delete everything to the left."""
        self._delete(0, self.cursor)

    def delete_to_end(self) -> None:
        """Delete everything from the cursor on."""
        self._delete(self.cursor, len(self.text))

    def press(self, key: str, character: str | None = None) -> bool:
        """Do what a key does in a line of text.

        Parameters
        ----------
        key
            Its name, as Textual spells it.
        character
            What it types, if anything.

        Returns
        -------
        bool
            Whether the key meant anything here.
        """
        if (act := self.KEYS.get(key)) is not None:
            act(self)
            return True
        if character is not None and character.isprintable():
            self.insert(character)
            return True
        return False

    def view(self, width: int) -> tuple[str, str, str]:
        """Return what shows in ``width`` cells: before the cursor, under it, and after it.

        The three together always fill the width exactly; the text scrolls as little as
        keeps the cursor in sight.
        """
        shown = printable(self.text)
        under = shown[self.cursor : self._right()] or " "
        room = width - cell_len(under)
        if room < 0:
            return "", " " * width, ""
        self._first = min(self._first, self.cursor)
        while cell_len(shown[self._first : self.cursor]) > room:
            self._first += 1
        while self._first < self.cursor and not cell_len(shown[self._first]):
            self._first += 1
        before = shown[self._first : self.cursor]
        room -= cell_len(before)
        after = ""
        for character in shown[self._right() :]:
            if (size := cell_len(character)) > room:
                break
            after += character
            room -= size
        return before, under, after + " " * room

    def _left(self) -> int:
        at = max(self.cursor - 1, 0)
        while at and not cell_len(printable(self.text[at])):
            at -= 1
        return at

    def _right(self) -> int:
        at = min(self.cursor + 1, len(self.text))
        while at < len(self.text) and not cell_len(printable(self.text[at])):
            at += 1
        return at

    def _word_left(self) -> int:
        head = self.text[: self.cursor]
        while head and not head[-1].isalnum():
            head = head[:-1]
        while head and head[-1].isalnum():
            head = head[:-1]
        return len(head)

    def _word_right(self) -> int:
        at, end = self.cursor, len(self.text)
        while at < end and not self.text[at].isalnum():
            at += 1
        while at < end and self.text[at].isalnum():
            at += 1
        return at

    def _delete(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    KEYS: ClassVar[dict[str, Callable[[LineEdit], None]]] = {
        "left": left,
        "right": right,
        "ctrl+left": word_left,
        "ctrl+right": word_right,
        "home": home,
        "ctrl+a": home,
        "end": end,
        "ctrl+e": end,
        "backspace": backspace,
        "delete": delete,
        "ctrl+d": delete,
        "ctrl+w": delete_word_left,
        "ctrl+backspace": delete_word_left,
        "ctrl+delete": delete_word_right,
        "ctrl+u": delete_to_start,
        "ctrl+k": delete_to_end,
    }


def _one_line(text: str) -> str:
    """Return text as it may stand in one cell of a table: without line ends and tabs."""
    return " ".join(text.splitlines()).replace("\t", " ") if not text.isprintable() else text

"""Just enough of Thrift's compact protocol to look at a Parquet file before its library does.

Format: Apache Thrift, doc/specs/thrift-compact-protocol.md.
"""
from collections.abc import Iterator

from transforms.pieces import DamagedError

BOOLEANS, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = (1, 2), 3, 7, 8, 9, 10, 11, 12, 13
_NUMBERS = 4, 5, 6
_FIXED_BYTES = {BYTE: 1, DOUBLE: 8, UUID: 16}
MAX_DEPTH = 32


class Compact:
    """A position in bytes. Its methods read on from there, and raise DamagedError where the bytes are none of it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """The (number, kind) of each field of a struct. Its value is to be read or skipped before the next one is asked for."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.number()
            yield number, head & 15

    def number(self) -> int:
        """A zigzag number."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def number_of(self, kind: int) -> int:
        """The number of a field that should hold one."""
        if kind not in _NUMBERS:
            raise DamagedError(f"Thrift type {kind}, not a number")
        return self.number()

    def items(self) -> tuple[int, int]:
        """(how many, of which kind) a list or set holds."""
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        if count > len(self.data) - self.at:
            raise DamagedError(f"a list of {count} items in {len(self.data) - self.at} bytes")
        return count, head & 15

    def skip(self, kind: int, depth: int = 0, *, in_list: bool = False) -> None:
        """Goes behind a value."""
        if depth > MAX_DEPTH:
            raise DamagedError("nested too deeply")
        if kind in BOOLEANS:
            self.at += in_list
        elif kind in _NUMBERS:
            self._varint()
        elif kind in _FIXED_BYTES:
            self.at += _FIXED_BYTES[kind]
        elif kind == BINARY:
            size_bytes = self._varint()   # moves on itself
            self.at += size_bytes
        elif kind in (LIST, SET):
            count, item = self.items()
            for _ in range(count):
                self.skip(item, depth + 1, in_list=True)
        elif kind == STRUCT:
            for _, field in self.fields():
                self.skip(field, depth + 1)
        elif kind == MAP:
            self._skip_map(depth)
        else:
            raise DamagedError(f"no Thrift type {kind}")

    def _skip_map(self, depth: int) -> None:
        count = self._varint()
        if count > len(self.data) - self.at:
            raise DamagedError(f"a map of {count} items in {len(self.data) - self.at} bytes")
        kinds = self._byte() if count else 0
        for _ in range(count):
            self.skip(kinds >> 4, depth + 1, in_list=True)
            self.skip(kinds & 15, depth + 1, in_list=True)

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise DamagedError("it is cut short")
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise DamagedError("a number of more than 10 bytes")

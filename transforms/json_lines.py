"""JSON lines, plain or gzip: blocks of bytes cut into lines, none of them held that is longer than allowed."""
import zlib
from collections.abc import Iterator
from typing import IO

from schemas.records import Reason, Rejected
from transforms.pieces import DamagedError, Piece, Raw, check_inflation


def lines(parts: Iterator[tuple[bytes, int]], max_record_bytes: int) -> Iterator[Piece]:
    """A piece for each block: every line is a record, an empty one too; a newline at the end is none."""
    tail = _Tail(max_record_bytes)
    position = 0
    for block, position in parts:
        head, newline, rest = block.partition(b"\n")
        if not newline:
            tail.add(block)
            continue
        tail.add(head)
        size_bytes = min(tail.size_bytes, max_record_bytes) + len(block)
        lines: list[Raw] = [tail.take()]
        body = rest.split(b"\n")
        tail.add(body.pop())
        if body and len(max(body, key=len)) > max_record_bytes:
            lines += [_bounded(line, max_record_bytes) for line in body]
        else:
            lines += body
        yield Piece(lines, position, size_bytes)
    if tail.size_bytes:
        yield Piece([tail.take()], position, 0)


class _Tail:
    """The line that a block cut in two, or the length of one that is too long to hold."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.parts: list[bytes] = []
        self.size_bytes = 0

    def add(self, part: bytes) -> None:
        self.size_bytes += len(part)
        if self.size_bytes > self.max_bytes:
            self.parts.clear()
        else:
            self.parts.append(part)

    def take(self) -> bytes | Rejected:
        too_long = self.size_bytes > self.max_bytes
        line = _too_long(self.size_bytes, self.max_bytes) if too_long else b"".join(self.parts)
        self.parts, self.size_bytes = [], 0
        return line


def _bounded(line: bytes, max_bytes: int) -> bytes | Rejected:
    return line if len(line) <= max_bytes else _too_long(len(line), max_bytes)


def _too_long(size_bytes: int, max_bytes: int) -> Rejected:
    return Rejected(Reason.TOO_LONG, f"a line of {size_bytes} bytes, more than the {max_bytes} allowed")


def blocks(file: IO[bytes], block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """The file's bytes, each block with the position after it."""
    position = 0
    while block := file.read(block_bytes):
        position += len(block)
        yield block, position


def gunzip(file: IO[bytes], block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """The inflated blocks of a gzip file (RFC 1952: any number of members, zeros after the last one allowed).

    Raises DamagedError after the last byte that could be inflated: the caller's unfinished line belongs to the rest. So it
    does for a bomb.
    """
    member, members, inflated = zlib.decompressobj(31), 0, 0
    begun = False
    for packed, end in blocks(file, max(1, block_bytes // 4)):
        left = packed
        while left or begun:
            if not begun and members and not (left := left.lstrip(b"\0")):
                break
            begun = True
            saved = member.copy()
            try:
                block = member.decompress(left, block_bytes)
            except zlib.error as error:
                good, used = _salvage(saved, left)
                yield good, end
                raise DamagedError(f"gzip data damaged at byte {end - len(left) + used} ({error})") from None
            left = member.unconsumed_tail or member.unused_data
            inflated += len(block)
            check_inflation(inflated, end - len(left))
            yield block, end
            if member.eof:
                member, members, begun = zlib.decompressobj(31), members + 1, False
            elif not left and len(block) < block_bytes:
                break
    if begun:
        raise DamagedError(f"gzip data cut short at byte {end}")


def _salvage(member: "zlib._Decompress", packed: bytes) -> tuple[bytes, int]:
    """What can be inflated before the damage, and from how many bytes.

    zlib gives nothing of the call that fails, so this goes byte by byte.
    """
    good: list[bytes] = []
    try:
        for at in range(len(packed)):
            good.append(member.decompress(packed[at : at + 1]))
    except zlib.error:
        pass  # this is the damage that the caller reports
    return b"".join(good), len(good)

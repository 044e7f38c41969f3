"""Keeps libraries from talking beside a command's own lines; TEXTPULSE_DEBUG=1 lets them."""
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


def debugging() -> bool:
    """True when TEXTPULSE_DEBUG asks for all that there is to see."""
    return os.environ.get("TEXTPULSE_DEBUG", "0") not in ("", "0")


def quiet_kafka() -> None:
    """kafka-python logs every failed connection; our errors say it once, with the address."""
    if not debugging():
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


@contextmanager
def quiet_import() -> Iterator[None]:
    """For importing TensorFlow or Beam: drops what they say of the machine; exceptions say what goes wrong.

    TensorFlow's C++ writes to the file descriptor before any of its log settings counts, so the descriptor is what is
    turned aside. Only for a process that has no other thread at work yet.
    """
    if debugging():
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def quiet_beam() -> Iterator[None]:
    """While a pipeline runs in this process: Beam logs a stack for what is raised in it, and warnings by the root logger. Ours is heard."""
    root, ours = logging.getLogger(), logging.getLogger("textpulse")
    before = root.level, ours.level
    ours.setLevel(ours.getEffectiveLevel())
    root.setLevel(logging.WARNING if debugging() else logging.CRITICAL)
    try:
        yield
    finally:
        root.setLevel(before[0])
        ours.setLevel(before[1])

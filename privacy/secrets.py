"""Secrets stand in a file or a variable, never in the command line. No error holds any of one, nor does what caused it."""
import os
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 65_536


def read_secret(option: str, file: str, variable: str, problem: type[Exception], *, do: str = "",
                environ: Mapping[str, str] = os.environ) -> bytes:
    """What the file holds, else the variable, without the newline at its end; empty where neither is given.

    option: what names the file. do: what to do about one that is no use. Raises problem, in one line with the file's name, when it cannot
    be read, holds nothing, or more than any secret.
    """
    if not file:
        return os.fsencode(environ.get(variable, ""))
    where, more = f"{option} {file}", f"; {do}" if do else ""
    try:
        with Path(file).open("rb") as content:
            found = content.read(MOST_BYTES + 1)
    except OSError as error:
        raise problem(f"{where}: {error.strerror}{more}") from error
    except ValueError:   # a null byte in the name
        raise problem(f"{where!r}: no name of a file{more}") from None
    if len(found) > MOST_BYTES:
        raise problem(f"{where}: more than {MOST_BYTES:,} bytes are no secret{more}")
    if not found.strip():
        raise problem(f"{where}: is empty{more}")
    return found.removesuffix(b"\n").removesuffix(b"\r")


def place(option: str, file: str, variable: str) -> str:
    """Where a secret stands, for people: the option with its file, else the variable."""
    return f"{option} {file}" if file else variable


def read_text_secret(option: str, file: str, variable: str, problem: type[Exception], *, do: str = "",
                     environ: Mapping[str, str] = os.environ) -> str:
    """The same as text. Raises problem for what is not UTF-8, too."""
    try:
        return read_secret(option, file, variable, problem, do=do, environ=environ).decode()
    except UnicodeDecodeError:   # it would show the bytes
        raise problem(f"{place(option, file, variable)}: is not text in UTF-8" + (f"; {do}" if do else "")) from None

"""What pipelines/cli.py must know of a command. Light: every command's module is imported to answer --help."""
import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.options import Option


@dataclass(frozen=True, slots=True)
class Positional:
    """An argument without a flag. nargs: as in argparse ("?", "*", "+"; None for exactly one)."""

    name: str
    help: str
    nargs: str | None = None
    parse: Callable[[str], object] = str


@dataclass(frozen=True, slots=True)
class Command:
    """One command. run gets the resolved options and gives the exit code.

    examples: what follows "textpulse", one or two. beam: options that are not ours go to Beam, as args.beam.
    """

    name: str
    summary: str
    examples: Sequence[str]
    options: Sequence[Option]
    run: Callable[[argparse.Namespace], int]
    positionals: Sequence[Positional] = ()
    beam: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Commands under one name. default: the one that is meant when none is named; empty for none."""

    name: str
    summary: str
    commands: Sequence[Command]
    default: str = ""

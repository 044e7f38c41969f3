"""Tells our options from Beam's on one command line, so that --runner=FlinkRunner needs no list of ours."""
import argparse
import difflib
from collections.abc import Sequence
from typing import Any

from pipelines.commands.quiet import quiet_import
from pipelines.errors import UsageProblem

ALIKE = 0.8


def split_beam(argv: Sequence[str], own: frozenset[str]) -> tuple[list[str], list[str]]:
    """(our arguments, Beam's). own: our flags, with their dashes.

    A flag that is not ours takes the argument behind it as its value, unless that is a flag too or Beam knows that the
    flag has no value. Raises UsageProblem for a flag that Beam does not know and that looks like one of ours.
    """
    ours: list[str] = []
    beams: list[str] = []
    rest = list(argv)
    known: dict[str, bool] | None = None
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return [*ours, argument, *rest], beams
        flag, has_value, _ = argument.partition("=")
        if not argument.startswith("--") or flag in own:
            ours.append(argument)
            continue
        known = _beam_flags() if known is None else known
        _refuse_slip(flag, own, known)
        beams.append(argument)
        if not has_value and known.get(flag, True) and rest and not rest[0].startswith("--"):
            beams.append(rest.pop(0))
    return ours, beams


def _refuse_slip(flag: str, own: frozenset[str], known: dict[str, bool]) -> None:
    alike = difflib.get_close_matches(flag, sorted(own), n=1, cutoff=ALIKE)
    if flag not in known and alike:
        raise UsageProblem(f"{flag}: no such option of textpulse or Beam; did you mean {alike[0]}?")


def _beam_flags() -> dict[str, bool]:
    """Beam's flags, and whether each takes a value."""
    with quiet_import():
        from apache_beam.options.pipeline_options import PipelineOptions

    parser = argparse.ArgumentParser(add_help=False, conflict_handler="resolve")
    for kind in _subclasses(PipelineOptions):
        if "_add_argparse_args" in kind.__dict__:
            kind._add_argparse_args(parser)
    return {flag: action.nargs != 0 for action in parser._actions for flag in action.option_strings}


def _subclasses(kind: Any) -> list[Any]:
    return [found for child in kind.__subclasses__() for found in (child, *_subclasses(child))]

"""Tells our options from Beam's on one command line, so that --runner=FlinkRunner needs no list of ours."""
import argparse
import difflib
import importlib
from collections.abc import Sequence
from typing import Any, NoReturn

from pipelines.commands.quiet import quiet_import
from pipelines.errors import UsageProblem

ALIKE = 0.8
RUNNER = "--runner"


def split_beam(
    argv: Sequence[str], own: frozenset[str], others: frozenset[str] = frozenset()) -> tuple[list[str], list[str]]:
    """(our arguments, Beam's, each as --name=value or --name). own: the command's flags, with their dashes.

    A flag that is not ours takes the argument behind it as its value, unless that is a flag too or Beam knows that the
    flag has no value. Raises UsageProblem for a flag that Beam does not know and that looks like one of ours or is one
    of `others`, our other commands; and for what Beam would refuse: a missing or wrong value, an unknown runner.
    """
    ours: list[str] = []
    beams: list[str] = []
    rest = list(argv)
    beam: _Parser | None = None
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            ours += [argument, *rest]
            break
        flag, has_value, _ = argument.partition("=")
        if not argument.startswith("--") or flag in own:
            ours.append(argument)
            continue
        beam = beam or _beam_parser()
        if not beam.knows(flag):
            _refuse_slip(flag, own, others)
        takes_value = not has_value and beam.takes_value(flag) and rest and not rest[0].startswith("--")
        beams.append(f"{flag}={rest.pop(0)}" if takes_value else argument)
    return ours, _checked(beams, beam) if beam else beams


class _Parser(argparse.ArgumentParser):
    """Beam's options; what is wrong with one is a UsageProblem."""

    def takes_value(self, flag: str) -> bool:
        """Whether the flag has a value; what Beam does not know is thought to have one."""
        action = self._option_string_actions.get(flag)
        return action is None or action.nargs != 0

    def knows(self, flag: str) -> bool:
        """Whether it is one of Beam's flags."""
        return flag in self._option_string_actions

    def error(self, message: str) -> NoReturn:
        raise UsageProblem(f"an option of Beam: {message}; --name=value is the safe way to write one")


def _refuse_slip(flag: str, own: frozenset[str], others: frozenset[str]) -> None:
    alike = difflib.get_close_matches(flag, sorted(own), n=1, cutoff=ALIKE)
    if alike:
        raise UsageProblem(f"{flag}: no such option of textpulse or Beam; did you mean {alike[0]}?")
    if flag in others:
        raise UsageProblem(f"{flag}: this command has no such option, another one of textpulse has; leave it out")


def _checked(beams: list[str], beam: _Parser) -> list[str]:
    """Beam's arguments with the runner's name as Beam spells it. Raises UsageProblem for what Beam would refuse."""
    runner: str | None = beam.parse_known_args(beams)[0].runner
    if runner is None:
        return beams
    return [*(option for option in beams if option.partition("=")[0] != RUNNER), f"{RUNNER}={runner_name(runner)}"]


def runner_name(named: str) -> str:
    """Beam's name of a runner, which may be named without `Runner` and in small letters, or by its class in full.

    Raises UsageProblem.
    """
    from apache_beam.options.pipeline_options import StandardOptions

    module, _, kind = named.rpartition(".")
    try:
        if module and hasattr(importlib.import_module(module), kind):
            return named
    except ImportError as error:
        raise UsageProblem(f"{RUNNER}={named}: {error}") from error
    for name in StandardOptions.KNOWN_RUNNER_NAMES:
        if named.lower() in (name.lower(), name.lower().removesuffix("runner")):
            return str(name)
    known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
    raise UsageProblem(f"{RUNNER}={named}: no such runner; choose from {known}, or name a class in full")


def _beam_parser() -> _Parser:
    with quiet_import():
        from apache_beam.options.pipeline_options import PipelineOptions

    parser = _Parser(add_help=False, conflict_handler="resolve", allow_abbrev=False)
    for kind in _subclasses(PipelineOptions):
        if "_add_argparse_args" in kind.__dict__:
            kind._add_argparse_args(parser)
    return parser


def _subclasses(kind: Any) -> list[Any]:
    return [found for child in kind.__subclasses__() for found in (child, *_subclasses(child))]

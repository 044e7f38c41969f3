"""The command line. What is heavy (TensorFlow, Beam, Kafka, SQL) is imported only by the command that needs it."""
import argparse
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from pipelines.commands import (
    alerts,
    backfill,
    compact,
    dashboard,
    demo,
    diff,
    dlq,
    doctor,
    evaluate,
    forget,
    insights,
    models,
    prepare,
    privacy,
    produce,
    report,
    schemas,
    stream,
    tag,
    topics,
    train,
    verify,
)
from pipelines.commands.beam_options import split_beam
from pipelines.commands.command import Command, Group
from pipelines.commands.output import note
from pipelines.commands.quiet import debugging
from pipelines.errors import UsageProblem
from pipelines.failures import DONE, FAILED, INTERRUPTED, exit_code
from pipelines.options import add_options, resolve
from pipelines.values import SECRET

PROGRAM = "textpulse"
PASSWORD_IN_URL = re.compile(r"postgres\w*(\+\w+)?://([^@/]*:[^@]+@|[^ ]*[?&](ssl)?password=)")
COMMANDS: tuple[Command | Group, ...] = (
    demo.COMMAND, stream.COMMAND, backfill.COMMAND, produce.COMMAND, insights.COMMAND, dashboard.COMMAND, alerts.GROUP, topics.GROUP,
    report.COMMAND, diff.COMMAND, verify.COMMAND, compact.COMMAND, dlq.GROUP, schemas.GROUP, privacy.GROUP, forget.COMMAND,
    tag.COMMAND, prepare.COMMAND, train.COMMAND, evaluate.COMMAND, models.GROUP, doctor.COMMAND)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 1 failed, 2 usage, 3 environment, 130 Ctrl-C."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:   # whoever read our output has seen enough
        _quiet_stdout()
        return DONE
    except Exception as error:   # noqa: BLE001 - the end of the line: a person gets one sentence, never a stack trace
        return _report(error)
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of every command; its namespace holds `chosen`, the command."""
    top = _Parser(prog=PROGRAM, description="Streams of short texts, turned into insights as they come.",
                  epilog=f"{PROGRAM} COMMAND --help shows the options of a command, with examples.", allow_abbrev=False)
    top.add_argument("--version", action="store_true", help="show the version and exit")
    top.set_defaults(chosen=None)
    entries = top.add_subparsers(title="commands", metavar="COMMAND", prog=PROGRAM)
    for entry in COMMANDS:
        if isinstance(entry, Command):
            _declare(entries, entry, f"{PROGRAM} {entry.name}")
            continue
        group = entries.add_parser(entry.name, help=entry.summary, description=_sentence(entry.summary),
                                   prog=f"{PROGRAM} {entry.name}", allow_abbrev=False)
        inner = group.add_subparsers(title="commands", metavar="COMMAND", required=True, prog=f"{PROGRAM} {entry.name}")
        for command in entry.commands:
            _declare(inner, command, f"{PROGRAM} {entry.name} {command.name}")
    return top


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageProblem(f"{message}; see {self.prog} --help")


def _declare(entries: "argparse._SubParsersAction[_Parser]", command: Command, program: str) -> None:
    examples = "\n".join(f"  {PROGRAM} {example}" for example in command.examples)
    beam = "\n\nOptions that are not listed here go to Beam, such as --runner=FlinkRunner." if command.beam else ""
    made = entries.add_parser(
        command.name, help=command.summary, description=_sentence(command.summary), prog=program, allow_abbrev=False,
        epilog=f"examples:\n{examples}{beam}", formatter_class=argparse.RawDescriptionHelpFormatter)
    for positional in command.positionals:
        made.add_argument(positional.name, metavar=positional.name.upper(), help=positional.help,
                          nargs=positional.nargs, type=positional.parse)
    add_options(made, command.options)
    made.set_defaults(chosen=command)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _run(argv: list[str]) -> int:
    _refuse_secrets(argv)
    argv, beam = _without_beam(_with_default(argv))
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:   # --help was answered
        return int(end.code or DONE)
    if args.version:
        print(_version())   # noqa: T201
        return DONE
    if args.chosen is None:
        raise UsageProblem(f"a command is needed; see {PROGRAM} --help")
    command: Command = args.chosen
    resolve(args, command.options)
    for name in ("chosen", "version", "config"):   # what is left is plain values, which a worker can be handed as JSON
        delattr(args, name)
    args.beam = beam
    return command.run(args)


def _with_default(argv: list[str]) -> list[str]:
    """With the default command of a group, where none was named."""
    for entry in COMMANDS:
        if isinstance(entry, Group) and entry.default and argv[:1] == [entry.name]:
            named = {command.name for command in entry.commands} | {"-h", "--help"}
            return argv if named & {*argv[1:2]} else [entry.name, entry.default, *argv[1:]]
    return argv


def _without_beam(argv: list[str]) -> tuple[list[str], list[str]]:
    for entry in COMMANDS:
        if isinstance(entry, Command) and entry.beam and argv[:1] == [entry.name]:
            ours, beam = split_beam(argv[1:], _flags(entry) | {"--help", "--config"}, _every_flag())
            return [entry.name, *ours], beam
    return argv, []


def _refuse_secrets(argv: list[str]) -> None:
    """Raises UsageProblem, without the secret, for one on the command line, which everybody on this machine may read."""
    every = _every_flag()
    for flag in (argument.partition("=")[0] for argument in argv):
        if flag not in every and f"{flag}-file" in every and SECRET.search(flag):
            raise UsageProblem(f"{flag}: ps would show it to everybody; write it into a file and name that with {flag}-file")
    if any(PASSWORD_IN_URL.search(argument) for argument in argv):
        note("this command line holds the password of a store, which ps shows to everybody: name the store by the variable TEXTPULSE_STORE "
             "or in --config, or leave its password to the file of PGPASSFILE")


def _flags(command: Command) -> frozenset[str]:
    return frozenset(f"--{option.name}" for option in command.options)


def _every_flag() -> frozenset[str]:
    commands = [command for entry in COMMANDS for command in (entry.commands if isinstance(entry, Group) else (entry,))]
    return frozenset().union(*map(_flags, commands))


def _version() -> str:
    from importlib import metadata

    try:
        return f"{PROGRAM} {metadata.version(PROGRAM)}"
    except metadata.PackageNotFoundError:
        return f"{PROGRAM}, not installed (run from its folder)"


def _report(error: Exception) -> int:
    """Prints the problem on stderr and returns its exit code."""
    if debugging():
        traceback.print_exception(error)
    code = exit_code(error)
    said = " ".join(str(error).split())
    if code is None:
        code, said = FAILED, f"unexpected {type(error).__name__}: {said} (TEXTPULSE_DEBUG=1 shows where)"
    print(f"{PROGRAM}: {said}", file=sys.stderr)   # noqa: T201
    return code


def _quiet_stdout() -> None:
    """Python flushes stdout at its end, which would complain of the broken pipe again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

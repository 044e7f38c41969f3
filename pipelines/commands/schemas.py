"""textpulse schemas: whether a change of an Avro schema breaks who reads the records."""
import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.commands.command import Command, Group, Positional
from pipelines.commands.output import harmless, line, print_json
from pipelines.errors import UsageProblem
from pipelines.options import JSON, READER, REGISTRY, Option
from pipelines.registry import avro_settings, check_schemas
from pipelines.values import one_of

if TYPE_CHECKING:
    from schemas.compatibility import Break

LEVELS = {"backward": ("backward",), "forward": ("forward",), "full": ("backward", "forward")}
OPTIONS = (
    Option("level", one_of(*LEVELS), "full", "backward: NEW reads what OLD wrote; forward: OLD reads what NEW writes; full: both"),
    Option("schemas", str, "", "address of the schema registry, for OLD or NEW as subject:version"), *REGISTRY, READER, JSON)
DIRECTIONS = {
    "backward": ("readers with NEW", "what was written with OLD", "was added without a default"),
    "forward": ("readers with OLD", "what is written with NEW", "was removed, and OLD has no default for it")}
"""Who reads what, and how a field came to be missing."""


def run(args: argparse.Namespace) -> int:
    """0 when nothing breaks, and textpulse can read NEW."""
    from schemas.compatibility import breaks
    from schemas.readable import findings, reader_schema

    check_schemas(args)
    old, new = schema_of(args.old, args), schema_of(args.new, args)
    pairs = {"backward": (old, new), "forward": (new, old)}
    broken = {name: breaks(*pairs[name]) for name in LEVELS[args.level]}
    met = findings(new, reader_schema(args.reader_schema) if args.reader_schema else None)
    readable = not any(finding.broken for finding in met)
    compatible = not any(broken.values())
    if args.json:
        print_json({"level": args.level, "compatible": compatible, "textpulse_reads_new": readable,
                    **{name: [asdict(each) | {"why": words(each, name)} for each in found] for name, found in broken.items()},
                    "textpulse": [asdict(finding) for finding in met]})
        return 0 if compatible and readable else 1
    for name, found in broken.items():
        who, what, _ = DIRECTIONS[name]
        line(f"{name}: {who} {'cannot always' if found else 'can'} read {what}")
        for each in found:
            line(harmless(f"  {f'field {each.where}: ' if each.where else ''}{words(each, name)}"))
    line(f"textpulse: {'can' if readable else 'cannot'} read what is written with NEW")
    for finding in met:
        line(harmless(f"  {finding}"))
    return 0 if compatible and readable else 1


def words(found: "Break", direction: str) -> str:
    """Why it breaks, in words of the change."""
    from schemas.compatibility import Kind

    return DIRECTIONS[direction][2] if found.kind is Kind.MISSING else found.why


def schema_of(name: str, args: argparse.Namespace) -> Any:
    """The parsed schema of a file, or of a subject's version in the registry. Raises UsageProblem, SchemaError or RegistryProblem."""
    from schemas.parse import parse_file
    from schemas.registry import Registry
    from schemas.registry_http import is_address

    if Path(name).is_file():
        return parse_file(Path(name))
    subject, _, version = name.rpartition(":")
    if not subject or not (version == "latest" or (version.isascii() and version.isdigit())):
        raise UsageProblem(f"{name}: no such file, and no subject:version of a registry, such as texts-value:3 or texts-value:latest")
    if not is_address(args.schemas):
        raise UsageProblem(f"{name}: no such file; for a version in a registry name its address by --schemas")
    return Registry(avro_settings(args).registry).version(subject, version)


CHECK = Command(
    "check", "say whether a change of an Avro schema breaks its readers, and whether textpulse can read it",
    ("schemas check old.avsc new.avsc --level backward",
     "schemas check texts-value:latest new.avsc --schemas https://registry.example.com:8081"), OPTIONS, run,
    (Positional("old", "file of the schema that is in use, or subject:version"),
     Positional("new", "file of the schema that is to follow, or subject:version")))
GROUP = Group("schemas", "check a change of an Avro schema before it is made", (CHECK,))

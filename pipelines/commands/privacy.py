"""textpulse privacy: tries a policy out."""
import argparse
import sys

from pipelines.commands.command import Command, Group
from pipelines.commands.output import line, note
from pipelines.options import POLICY

OPTIONS = (POLICY,)


def check(args: argparse.Namespace) -> int:
    """Reads the policy, and compares what its examples become with what they say."""
    from pathlib import Path

    from pipelines.errors import UsageProblem
    from pipelines.policy import failures
    from privacy.policy import read_key, read_policy

    if not args.policy:
        raise UsageProblem("privacy check: name the file with --policy")
    policy = read_policy(Path(args.policy))
    read_key(policy.key)
    failed = failures(policy)
    for failure in failed:
        line(failure)
    note(f"{args.policy}: {len(policy.examples) - len(failed)} of {len(policy.examples)} examples become what they say")
    return 1 if failed else 0


def redact(args: argparse.Namespace) -> int:
    """Lines in, redacted lines out."""
    from secrets import token_bytes

    from pipelines.policy import policy_of
    from privacy.policy import read_key
    from privacy.redact import Redactor

    policy = policy_of(args.policy)
    redactor = Redactor(policy, read_key(policy.key) or token_bytes(32))
    for text in sys.stdin:
        line(redactor.redacted(text.rstrip("\n")).text)
    return 0


CHECK = Command(
    "check", "check a policy, and that its examples become what they say", ("privacy check --policy policy.toml",), OPTIONS, check)
REDACT = Command(
    "redact", "redact lines from standard input; without the model, which finds the persons",
    ("privacy redact --policy policy.toml < texts.txt",), OPTIONS, redact)
GROUP = Group("privacy", "what becomes of what is personal", (CHECK, REDACT))

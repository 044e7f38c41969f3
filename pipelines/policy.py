"""The policy that an option names, whether it does what its examples say, and where the key of originals is."""
import argparse
import re
from pathlib import Path

from pipelines.errors import UsageProblem
from privacy.policy import KeySource, Policy, PolicyError, read_key, read_policy
from privacy.redact import Redactor

PSEUDONYM = re.compile(r":[a-z2-7]{16}\]")
TRIED_KEY = b"a key that only examples see"


def policy_of(path: str) -> Policy:
    """The policy of --policy; without one what is personal is masked. Raises PolicyError, also where an example fails or the key is bad."""
    if not path:
        return Policy()
    policy = read_policy(Path(path))
    try:
        read_key(policy.key)
    except PolicyError as error:
        raise PolicyError(f"--policy {path}: {error}") from error
    failed = failures(policy)
    if failed:
        raise PolicyError(f"--policy {path}: {failed[0]}; `textpulse privacy check` shows all")
    return policy


def originals_of(args: argparse.Namespace) -> KeySource | None:
    """Where the key is under which rejected records are kept; None where they are not. Raises UsageProblem, PolicyError for a bad key,
    OriginalsProblem where the library is missing."""
    from transforms.originals import Seal, key_source

    if not args.keep_originals:
        if args.originals_key_file:
            raise UsageProblem(f"--originals-key-file {args.originals_key_file}: is for --keep-originals")
        return None
    source = key_source(args.originals_key_file)
    Seal(args.job, source)
    return source


def failures(policy: Policy) -> list[str]:
    """What examples say and the policy does not do. In them a pseudonym is written [kind:*]."""
    redactor = Redactor(policy, TRIED_KEY)
    found = []
    for number, example in enumerate(policy.examples, 1):
        said = PSEUDONYM.sub(":*]", redactor.redacted(example.text).text)
        if said != example.becomes:
            found.append(f"example {number}: {example.text!r} becomes {said!r}, not {example.becomes!r}")
    return found

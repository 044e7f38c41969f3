"""textpulse dlq fix: declares how dead letters are to be mended, and shows what that makes of them."""
import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.letters import MEND, SELECT, job_and_redactor, mender, now_us, selection
from pipelines.commands.output import harmless, line, print_json
from pipelines.commands.reading import open_store
from pipelines.errors import UsageProblem
from pipelines.options import JSON, STORE, Option
from pipelines.values import count

if TYPE_CHECKING:
    from insights.mending import Letter
    from privacy.redact import Redactor
    from schemas.fixes import Fix
    from transforms.mender import Mender

CHANGES = (
    Option("set", str, "", "FIELD=VALUE: gives a field this text; FIELD= takes it away"),
    Option("rename", str, "", "FIELD=NAME: the field is meant that has another name"),
    Option("time-format", str, "", "how --time-field is written, as in Python's strptime: '%d.%m.%Y %H:%M'"),
    Option("time-field", str, "event_time", "field that holds the event's time"),
    Option("time-zone", str, "UTC", "zone of times that name none, such as Asia/Shanghai"),
    Option("encoding", str, "", "what the bytes are in, such as gb18030 or latin-1"),
    Option("schema-id", count, None, "Avro: id of the schema that the records were really written with"),
    Option("changes", str, "", "TOML file with several of these: encoding, schema_id, [rename], [time], [set]"))
OPTIONS = (
    STORE, *SELECT, *CHANGES, Option("write", bool, False, "keep the fix; without it only the difference is shown"), *MEND,
    Option("limit", count, 5, "most records of which the difference is shown; 0: all"), JSON)


def run(args: argparse.Namespace) -> int:
    """Shows what the change makes of each letter; --write keeps it for those that are events then."""
    from insights import mending
    from schemas.fixes import encode_fix, summary

    change, chosen = fix_of(args), selection(args)
    shown: list[dict[str, object]] = []
    stay: Counter[str] = Counter()
    fits = kept = 0
    with open_store(args.store) as store:
        about, redactor = job_and_redactor(store, args)
        tools = mender(args)
        for batch in mending.all_letters(store, about, chosen):
            good = []
            for letter in batch:
                why = _tried(letter, change, tools)
                if why:
                    stay[_kind(why)] += 1
                else:
                    good.append(letter.place)
                if not why.startswith("already") and (not args.limit or len(shown) < args.limit):
                    shown.append({"origin": letter.origin, "offset": letter.offset, "reason": letter.reason, "why": why,
                                  "changes": _changes(letter, change, tools, redactor)})
            fits += len(good)
            if args.write:
                kept += mending.put_fix(store, about, good, encode_fix(change), now_us())
    if args.json:
        print_json({"fix": summary(change), "fits": fits, "kept": kept, "stay": stay, "shown": shown})
        return 0
    for one in shown:
        line(f"{harmless(str(one['origin']))} {one['offset']}, {one['reason']}: {harmless(str(one['why'] or 'an event then'))}")
        for name, before, after in one["changes"]:   # type: ignore[attr-defined]
            line(f"  {harmless(name)}: {_said(before)} -> {_said(after)}")
    line(f"{summary(change)}: {fits:,} would be events" + "".join(f"; {number:,} not: {why}" for why, number in stay.most_common()))
    line(f"kept for {kept:,}: `textpulse dlq replay --state fixed` counts them" if args.write
         else "nothing is written: --write keeps this fix")
    return 0


def fix_of(args: argparse.Namespace) -> "Fix":
    """The change that the options and the file declare. Raises UsageProblem, FixError."""
    from schemas.fixes import FixError, parse_fix

    text = ""
    given = [option for option in ("set", "rename", "time_format", "encoding") if getattr(args, option)]
    given += ["schema_id"] if args.schema_id is not None else []
    if args.changes and given:
        raise UsageProblem(f"--changes {args.changes}: put --{given[0].replace('_', '-')} into that file too, or leave the file out")
    if not args.changes and not given:
        raise UsageProblem("which change? Give --set, --rename, --time-format, --encoding or --schema-id, or several with --changes")
    if args.changes:
        try:
            text = sys.stdin.read() if args.changes == "-" else Path(args.changes).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"--changes {args.changes}: {getattr(error, 'strerror', None) or error}") from error
        try:
            return parse_fix(text)
        except FixError as error:
            raise UsageProblem(f"--changes {args.changes}: {error}") from error
    return _declared(args)


def _declared(args: argparse.Namespace) -> "Fix":
    from schemas.fixes import Fix, TimeFix, check_fix

    pairs: dict[str, dict[str, str]] = {}
    for option in ("set", "rename"):
        name, sign, value = getattr(args, option).partition("=")
        if getattr(args, option) and not (sign and name.strip()):
            raise UsageProblem(f"--{option}: expected FIELD={'VALUE' if option == 'set' else 'NAME'}")
        pairs[option] = {name.strip(): value} if sign else {}
    put = {name: value or None for name, value in pairs["set"].items()}
    time_fix = TimeFix(field=args.time_field, format=args.time_format, zone=args.time_zone) if args.time_format else None
    return check_fix(Fix(args.encoding, args.schema_id, pairs["rename"], time_fix, put))


def _tried(letter: "Letter", change: "Fix", tools: "Mender") -> str:
    """Empty where the change makes an event of the letter; else why it does not."""
    from transforms.mender import Stays

    try:
        tools.event(letter, change)
    except Stays as why:
        return str(why)
    return ""


def _kind(why: str) -> str:
    """What many have in common: the words before the details of one."""
    return why.partition(":")[0]


def _changes(letter: "Letter", change: "Fix", tools: "Mender", redactor: "Redactor") -> list[tuple[str, str | None, str | None]]:
    """Field, before, after, of what may be shown; nothing of a letter that cannot be opened."""
    from schemas.decode import SchemaUnavailable
    from schemas.fixes import changes
    from transforms.mender import Stays

    try:
        original = tools.original(letter)
        found = changes(original.value, tools.value(original, change), tools.rows(original))
    except (Stays, SchemaUnavailable):   # _tried says it
        return []
    times = ("event_time",) if change.time and change.time.field == "event_time" else ()   # which were read as such
    return [
        (name, before, after) if name in times else (name, _shown(name, before, redactor), _shown(name, after, redactor))
        for name, before, after in found]


def _shown(name: str, value: str | None, redactor: "Redactor") -> str | None:
    """The value as far as it may be seen: no model has looked for persons in a text, and nobody knows what other fields hold."""
    from privacy.kinds import PERSON
    from privacy.policy import Mode
    from schemas.records import FIELDS
    from schemas.shape import shape

    if value is None:
        return None
    if name == "author_id":
        return redactor.author(value)
    if redactor.policy.mode_of(PERSON) is not Mode.KEEP and (name == "text" or name not in FIELDS):
        return shape(value)
    return redactor.redacted(value).text


def _said(value: str | None) -> str:
    return "(absent)" if value is None else harmless(value[:120])


COMMAND = Command(
    "fix", "declare how dead letters are to be mended; shows the difference first, and --write keeps the fix",
    ("dlq fix --reason wrong_type --time-format '%d.%m.%Y %H:%M' --time-zone Asia/Shanghai",
     "dlq fix --reason bad_encoding --encoding gb18030 --write"), OPTIONS, run)

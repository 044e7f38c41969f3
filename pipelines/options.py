"""Options: declared once, with their unit and default; taken from a flag, else TEXTPULSE_*, else --config, else the default."""
import argparse
import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UsageProblem

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def duration_s(text: str) -> float:
    """Seconds in "90", "90s", "10m", "1h" or "500ms". Raises ValueError."""
    text = text.strip()
    for unit in sorted(UNITS_S, key=len, reverse=True):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * UNITS_S[unit]
    return float(text)


def positive_s(text: str) -> float:
    """A duration above zero, in seconds."""
    seconds = duration_s(text)
    if not 0 < seconds < 1e9:
        raise ValueError("not above zero")
    return seconds


def size_bytes(text: str) -> int:
    """Bytes in "65536", "64k", "512M" or "1G". Raises ValueError."""
    powers = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    last = text.strip()[-1:].lower()
    return int(float(text.strip()[:-1]) * powers[last]) if last in powers else int(text)


def port_number(text: str) -> int:
    """0 to 65535. Raises ValueError."""
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError("not a port")
    return port


def count(text: str) -> int:
    """A whole number, 0 or more. Raises ValueError."""
    number = int(text)
    if number < 0:
        raise ValueError("below zero")
    return number


def pace(text: str) -> float:
    """A number of 0 or more. Raises ValueError."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError("below zero, or no number")
    return number


def rate(text: str) -> float:
    """A number above 0. Raises ValueError."""
    if not pace(text):
        raise ValueError("not above zero")
    return float(text)


def one_of(*names: str) -> Callable[[str], str]:
    """A parser that takes these names alone."""
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError("none of them")
        return text

    return parse


def poll_size(text: str) -> int:
    """1 to 20,000 records: a chunk is tabulated at once. Raises ValueError."""
    number = int(text)
    if not 1 <= number <= 20_000:
        raise ValueError("not from 1 to 20000")
    return number


@dataclass(frozen=True, slots=True)
class Option:
    """One option: --name VALUE, or a switch when parse is bool."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    many: bool = False

    @property
    def key(self) -> str:
        """Its name in a configuration file and in code."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"TEXTPULSE_{self.key.upper()}"


STORE = Option("store", str, "sqlite:///textpulse.db", "where insights are kept: sqlite:///FILE or postgresql+psycopg://...")
JOB = Option("job", str, "textpulse", "name of the job, which is also the Kafka group")
SERVERS = Option("bootstrap-servers", str, "", "Kafka brokers, host:port[,host:port]")
TOPIC = Option("topic", str, "texts", "topic to read or write; several with commas")
CONNECT = Option("connect-timeout", positive_s, 30.0, "how long to wait for a broker at start")
MODEL = Option("model", str, "", "model folder; default: the model that comes with textpulse")
WINDOW = Option("window", positive_s, 60.0, "length of the base window, such as 10s, 60s, 5m")
LATENESS = Option("allowed-lateness", duration_s, 600.0, "how long after its end a window still takes late records")
DISORDER = Option("out-of-orderness", duration_s, 2.0, "how far behind the newest event the others usually are")
TEXT_LIMIT = Option("max-text-bytes", size_bytes, 65_536, "longer texts become dead letters")
FORMAT = Option("format", one_of("json", "avro"), "json", "of the values in Kafka: json, or avro (Confluent wire format with --schemas)")
SCHEMAS = Option("schemas", str, "", "folder of <id>.avsc files: the registry of --format avro")
PRISM = Option("prism_location", str, "", "Prism binary; default: where `make prism` puts it")
METRICS = Option("metrics-port", port_number, 9464, "Prometheus endpoint; 0 turns it off")
METRICS_HOST = Option("metrics-host", str, "127.0.0.1", "address of the Prometheus endpoint")
JSON = Option("json", bool, False, "print one JSON document")

SINKS = (
    Option("tagged-topic", str, "", "publish tagged events to this topic"),
    Option("dead-letter-topic", str, "", "publish dead letters to this topic"),
    Option("insights-topic", str, "", "publish insights to this topic, from the store"),
    Option("tagged-files", str, "", "write tagged events to files in this folder"),
    Option("files-format", one_of("parquet", "avro", "jsonl"), "parquet", "of these files: parquet, avro or jsonl"))
STREAM = (
    SERVERS, TOPIC, JOB, STORE, MODEL, WINDOW, LATENESS, DISORDER, CONNECT, FORMAT, SCHEMAS, TEXT_LIMIT,
    Option("max-future", positive_s, 300.0, "events further ahead of the clock become dead letters"),
    Option("idle-after", duration_s, 2.0, "a partition without records for so long is moved on by the clock"),
    Option("poll-records", poll_size, 2_000, "most records in one poll"),
    METRICS, METRICS_HOST, PRISM,
    Option("recycle-after", duration_s, 0.0, "restart in good order at this age; 0: never"),
    Option("recycle-memory", size_bytes, 0, "restart in good order when the process group is larger; 0: never"),
    Option("max-restarts", count, 0, "give up after so many failed starts without progress; 0: never"),
    *SINKS)
BACKFILL = (
    STORE, JOB, MODEL, WINDOW, TEXT_LIMIT, SERVERS, METRICS_HOST,
    Option("metrics-port", port_number, 0, "Prometheus endpoint while it runs; 0: none"), *SINKS)
PRODUCE = (
    SERVERS, TOPIC, CONNECT,
    Option("speed", pace, 0.0, "multiple of event time; 0: as fast as possible"),
    Option("partitions", count, 3, "of a topic that has to be made"),
    Option("shift-to-now", bool, False, "add a constant to event_time so that the first event is now"),
    Option("sample", count, 0, "instead of files: so many records of the sample stream"),
    Option("rate", rate, 200.0, "events a second of the sample stream"),
    Option("seed", count, 1, "of the sample stream"))
DEMO = (
    Option("for", duration_s, 0.0, "end by itself after so long, with a summary; 0: until Ctrl-C"),
    Option("input", str, "", "an archive to stream instead of the sample"),
    Option("rate", rate, 300.0, "events a second of the sample stream"),
    Option("speed", pace, 60.0, "multiple of event time for --input"),
    Option("seed", count, 1, "of the sample stream"),
    SERVERS, MODEL, PRISM, CONNECT,
    Option("store", str, "", "default: a new one in a temporary folder"),
    Option("window", positive_s, 10.0, "length of the base window"),
    Option("allowed-lateness", duration_s, 30.0, "how long after its end a window still takes late records"), METRICS)
INSIGHTS = (
    STORE, JOB, JSON,
    Option("from", str, "", "first event time, ISO 8601"),
    Option("to", str, "", "event time to end before, ISO 8601"),
    Option("window", str, "", "length of the windows shown, a multiple of the base window, such as 1h"),
    Option("by", str, "source,topic", "dimensions: source, product, lang, topic"),
    Option("top", count, 5, "entities and terms shown"),
    Option("csv", bool, False, "print CSV"))


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Declares them; absent flags stay None, so that resolve() knows."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options (names with _ for -)")
    for option in options:
        default = "" if option.default in ("", False, 0, 0.0) else f" (default: {option.default})"
        if option.parse is bool:
            parser.add_argument(f"--{option.name}", dest=option.key, action="store_const", const="true", help=option.help)
        else:
            parser.add_argument(f"--{option.name}", dest=option.key, metavar="VALUE", help=option.help + default)


def resolve(args: argparse.Namespace, options: Sequence[Option], environ: Mapping[str, str] | None = None) -> argparse.Namespace:
    """The values by flag > variable > file > default. Raises UsageProblem naming the option, the value and where it stood."""
    variables = os.environ if environ is None else environ
    settings = _file(args.config, options)
    for option in options:
        for value, where in (
            (getattr(args, option.key), f"--{option.name}"), (variables.get(option.variable), option.variable),
            (settings.get(option.key), f"{args.config}: {option.key}")):
            if value is not None:
                setattr(args, option.key, _parsed(option, value, where))
                break
        else:
            setattr(args, option.key, option.default)
    return args


def _parsed(option: Option, value: Any, where: str) -> Any:
    try:
        if option.parse is bool:
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        return option.parse(str(value))
    except (ValueError, KeyError) as error:
        raise UsageProblem(f"{where}: {str(value)!r} is not valid; it is {option.help}") from error


def _file(path: str | None, options: Sequence[Option]) -> dict[str, Any]:
    if not path:
        return {}
    try:
        settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"--config {path}: not TOML: {error}") from error
    known = {option.key for option in options}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise UsageProblem(f"--config {path}: unknown option {unknown[0]!r}; known: {', '.join(sorted(known))}")
    return settings

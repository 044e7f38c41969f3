"""Options: declared once, with their unit and default; taken from a flag, else TEXTPULSE_*, else --config, else the default."""
import argparse
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UsageProblem
from pipelines.values import (
    SECRET,
    count,
    duration_s,
    name,
    one_of,
    pace,
    poll_size,
    port_number,
    positive_bytes,
    positive_s,
    rate,
    servers,
    size_bytes,
    topic,
    topics,
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: --name VALUE, or a switch when parse is bool. command: the one for which the name means this; empty for any."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    command: str = ""

    @property
    def key(self) -> str:
        """Its name in a configuration file and in code."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "_".join(("TEXTPULSE", *filter(None, (self.command.upper(), self.key.upper()))))


STORE = Option("store", str, "sqlite:///textpulse.db", "where insights are kept: sqlite:///FILE or postgresql+psycopg://...")
JOB = Option("job", name, "textpulse", "name of the job, which is also the Kafka group")
SERVERS = Option("bootstrap-servers", servers, "", "Kafka brokers, host:port[,host:port]")
TOPIC = Option("topic", topics, "texts", "topic to read or write; several with commas")
CONNECT = Option("connect-timeout", positive_s, 30.0, "how long to wait for a broker at start")
MODEL = Option("model", str, "", "model folder; default: the model that comes with textpulse")
EXPLAIN = Option("explain", bool, False, "also mark in sample texts the words that carried their sentiment, by --model")
WINDOW = Option("window", positive_s, 60.0, "length of the base window, such as 10s, 60s, 5m")
LATENESS = Option("allowed-lateness", duration_s, 600.0, "how long after its end a window still takes late records")
DISORDER = Option("out-of-orderness", duration_s, 2.0, "how far behind the newest event the others usually are")
TEXT_LIMIT = Option("max-text-bytes", positive_bytes, 65_536, "longer texts become dead letters")
FORMAT = Option("format", one_of("json", "avro"), "json", "of the values in Kafka: json, or avro (Confluent wire format with --schemas)")
SCHEMAS = Option("schemas", str, "", "folder of <id>.avsc files, or address of a schema registry, for --format avro")
REGISTRY = (
    Option("registry-user", str, "", "user of the registry; the password is in a file or in TEXTPULSE_REGISTRY_PASSWORD"),
    Option("registry-password-file", str, "", "file of the password; default: variable TEXTPULSE_REGISTRY_PASSWORD"),
    Option("registry-token-file", str, "", "file of a bearer token, instead of a user; default: variable TEXTPULSE_REGISTRY_TOKEN"),
    Option("registry-ca-file", str, "", "certificates (PEM) that the registry's is checked by; default: the system's"))
READER = Option("reader-schema", str, "", "file of the Avro schema as which every record is read; default: as it was written")
PRISM = Option("prism_location", str, "", "Prism binary; default: where `make prism` puts it")
METRICS = Option("metrics-port", port_number, 9464, "Prometheus endpoint; 0 turns it off")
METRICS_HOST = Option("metrics-host", str, "127.0.0.1", "address of the Prometheus endpoint")
PAGE = Option("page-port", port_number, 8080, "port of the web page; 0 turns it off")
HTTP = (
    Option("http-token-file", str, "", "file of the bearer token that clients must send; default: variable TEXTPULSE_HTTP_TOKEN"),
    Option("http-user", str, "textpulse", "who --http-password-file is for"),
    Option("http-password-file", str, "", "file of the password that clients must send, with --http-user"),
    Option("http-hosts", str, "", "names by which clients may ask, besides the address itself; several with commas"),
    Option("http-cert-file", str, "", "certificate, with its chain, in PEM: serve by TLS"),
    Option("http-key-file", str, "", "key of --http-cert-file; default: in the same file"))
JSON = Option("json", bool, False, "print one JSON document")

SECURITY = (
    Option("security-protocol", one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "PLAINTEXT",
           "how Kafka is spoken to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"),
    Option("ssl-ca-file", str, "", "certificates of the authorities that are trusted, PEM; default: the system's"),
    Option("ssl-cert-file", str, "", "certificate that says who we are, PEM"),
    Option("ssl-key-file", str, "", "its key, PEM; default: in the file of the certificate"),
    Option("ssl-key-password-file", str, "", "file of the key's password; default: variable TEXTPULSE_SSL_KEY_PASSWORD"),
    Option("sasl-mechanism", one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    Option("sasl-username", str, "", "the user's name"),
    Option("sasl-password-file", str, "", "file of the user's password; default: variable TEXTPULSE_SASL_PASSWORD"))
SINKS = (
    Option("tagged-topic", topic, "", "publish tagged events to this topic"),
    Option("dead-letter-topic", topic, "", "publish dead letters to this topic"),
    Option("insights-topic", topic, "", "publish insights to this topic, from the store"),
    Option("tagged-files", str, "", "write tagged events to files in this folder"),
    Option("files-format", one_of("parquet", "avro", "jsonl"), "parquet", "of these files: parquet, avro or jsonl"))
POLICY = Option("policy", str, "", "TOML file: what becomes of what is personal; default: it is masked, and authors are pseudonyms")
NO_TEXTS = Option("no-sample-texts", bool, False, "of samples keep the event ids alone, not their redacted texts")
ORIGINALS_KEY = Option("originals-key-file", str, "", "file of the key of originals; default: variable TEXTPULSE_ORIGINALS_KEY")
ORIGINALS = (
    Option("keep-originals", bool, False, "keep rejected records as they came, encrypted, so that they can be mended"), ORIGINALS_KEY)
ALERTS = (
    Option("alert-webhook", str, "", "addresses that get what changed in the windows, signed; several with spaces"),
    Option("webhook-secret-file", str, "", "file of the secret they are signed with; default: variable TEXTPULSE_WEBHOOK_SECRET"),
    Option("alert-topic", topic, "", "publish what changed in the windows to this topic"),
    Option("no-alerts", bool, False, "do not judge the windows while the job runs"))
STREAM = (
    SERVERS, TOPIC, JOB, STORE, MODEL, WINDOW, LATENESS, DISORDER, CONNECT, FORMAT, SCHEMAS, *REGISTRY, READER, TEXT_LIMIT,
    Option("max-future", positive_s, 300.0, "events further ahead of the clock become dead letters"),
    Option("idle-after", duration_s, 2.0, "a partition without records for so long is moved on by the clock"),
    Option("poll-records", poll_size, 2_000, "most records in one poll"),
    POLICY, NO_TEXTS, *ORIGINALS, METRICS, METRICS_HOST, *HTTP, PRISM,
    Option("recycle-after", duration_s, 0.0, "restart in good order at this age; 0: never"),
    Option("recycle-memory", size_bytes, 0, "restart in good order when the process group is larger; 0: never"),
    Option("max-restarts", count, 0, "give up after so many failed starts without progress; 0: never"),
    *SINKS, *ALERTS, *SECURITY)
BACKFILL = (STORE, JOB, MODEL, WINDOW, TEXT_LIMIT, POLICY, NO_TEXTS, *ORIGINALS, SERVERS, *SINKS, CONNECT, *SECURITY)
PRODUCE = (
    SERVERS, TOPIC, CONNECT,
    Option("speed", pace, 0.0, "multiple of event time; 0: as fast as possible"),
    Option("partitions", count, 3, "of a topic that has to be made"),
    Option("shift-to-now", bool, False, "add a constant to event_time so that the first event is now"),
    Option("sample", count, 0, "instead of files: so many records of the sample stream"),
    Option("rate", rate, 200.0, "events a second of the sample stream"),
    Option("seed", count, 1, "of the sample stream"), *SECURITY)
DEMO = (
    Option("for", duration_s, 0.0, "end by itself after so long, with a summary; 0: until Ctrl-C"),
    Option("input", str, "", "an archive to stream instead of the sample"),
    Option("rate", rate, 300.0, "events a second of the sample stream"),
    Option("speed", pace, 60.0, "multiple of event time for --input"),
    Option("seed", count, 1, "of the sample stream"),
    SERVERS, MODEL, PRISM, CONNECT,
    Option("store", str, "", "default: a new one in a temporary folder"),
    Option("window", positive_s, None, "length of the base window; default: 10s, with --input 60s"),
    Option("allowed-lateness", duration_s, None,
           "how long after its end a window still takes late records; default: 30s, with --input 10m"), METRICS, PAGE, *HTTP[:3], *SECURITY)
INSIGHTS = (
    STORE, JOB, JSON,
    Option("from", str, "", "first event time, ISO 8601"),
    Option("to", str, "", "event time to end before, ISO 8601"),
    Option("window", str, "", "length of the windows shown, a multiple of the base window, such as 1h"),
    Option("by", str, "source,topic", "dimensions: source, product, lang, topic"),
    Option("top", count, 5, "entities and terms shown"),
    Option("csv", bool, False, "print CSV"),
    Option("format", one_of("table", "json", "csv", "parquet"), "table", "table, json, csv or parquet", "insights"),
    Option("output", str, "", "write to this file, and not to the screen", "insights"))


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Declares them; absent flags stay None, so that resolve() knows."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options (names with _ for -)")
    for option in options:
        default = "" if option.default in (None, "", False, 0, 0.0) else f" (default: {option.default})"
        said = (option.help + ("" if option.parse is bool else default)).replace("%", "%%")   # argparse formats it
        if option.parse is bool:
            parser.add_argument(f"--{option.name}", dest=option.key, action="store_const", const="true", help=said)
        else:
            parser.add_argument(f"--{option.name}", dest=option.key, metavar="VALUE", help=said)


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
    except KeyError as error:
        raise UsageProblem(f"{where}: {str(value)!r} is not valid: expected true or false") from error
    except ValueError as error:
        raise UsageProblem(f"{where}: {str(value)!r} is not valid: {error} ({option.help})") from error


def _file(path: str | None, options: Sequence[Option]) -> dict[str, Any]:
    if not path:
        return {}
    try:
        settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"--config {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:   # tomllib raises them for numbers and nesting without bounds too
        raise UsageProblem(f"--config {path}: not TOML: {error}") from error
    known = {option.key for option in options}
    for key in settings.keys() - known:
        if f"{key}_file" in known and SECRET.search(key):
            raise UsageProblem(f"--config {path}: {key} would stand open in this file: write it into one of its own, which only you may "
                               f"read, and name that with {key}_file")
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise UsageProblem(f"--config {path}: unknown option {unknown[0]!r}; known: {', '.join(sorted(known))}")
    return settings

"""The bare loop: what a user would write by hand, with no engine, no windows and no store. Prints one JSON line.

bare.py archive FILE | topic SERVERS TOPIC COUNT | model FILE
"""
import json
import os
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import orjson

from models.load import load

CHUNK = 512


def lines_of(path):
    """The lines of a file."""
    with Path(path).open("rb") as file:
        yield from file


def values_of(servers, topic, count):
    """The values in a topic, as kafka-python polls them."""
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", group_id=None)
    seen = 0
    while seen < count:
        for records in consumer.poll(timeout_ms=200, max_records=2_000).values():
            seen += len(records)
            yield from (record.value for record in records)


def texts_of(values):
    """The texts in JSON events; what holds none is left out."""
    for value in values:
        try:
            text = orjson.loads(value).get("text")
        except (orjson.JSONDecodeError, AttributeError):
            continue
        if isinstance(text, str) and text.strip() and len(text) <= 65_536:
            yield text


def loop(values, tagger):
    """Texts tagged."""
    done, texts = 0, []
    for text in texts_of(values):
        texts.append(text)
        if len(texts) == CHUNK:
            tagger.tag(texts)
            done, texts = done + len(texts), []
    if texts:
        tagger.tag(texts)
    return done + len(texts)


def main():
    """One run."""
    begun = time.perf_counter()
    tagger = load()
    tagger.tag(["warm up"] * CHUNK)
    started = time.perf_counter()
    kind, *rest = sys.argv[1:]
    if kind == "archive":
        texts = loop(lines_of(rest[0]), tagger)
    elif kind == "topic":
        texts = loop(values_of(rest[0], rest[1], int(rest[2])), tagger)
    else:
        found = list(texts_of(lines_of(rest[0])))
        started = time.perf_counter()
        for first in range(0, len(found), CHUNK):
            tagger.tag(found[first : first + CHUNK])
        texts = len(found)
    seconds = time.perf_counter() - started
    line = {"what": f"bare {kind}", "texts": texts, "seconds": seconds, "per_s": texts / seconds, "start_up_s": started - begun}
    print(json.dumps(line))


if __name__ == "__main__":
    main()

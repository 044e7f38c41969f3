"""How well personal items are found, by kind, beside presidio-analyzer's recognizers in the same run.

python -m benchmarks.privacy [--split dev|test] [--texts N]      (needs presidio-analyzer: pip install -e .[bench])

Found: a stretch of the kind covers the item. hidden: stretches of whatever kinds cover it, which is what a mask needs. precision: of the
stretches of a kind, those that touch an item of it.
"""
import argparse
import time
from collections import Counter

from benchmarks.personal import ITEMS, texts
from privacy.kinds import find_all

SEEDS = {"dev": 11, "test": 12}
NAMES = {   # presidio's
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "us_ssn", "IP_ADDRESS": "ip",
    "US_PASSPORT": "passport", "US_DRIVER_LICENSE": "licence", "UK_PASSPORT": "passport",
    "IT_PASSPORT": "passport", "DE_PASSPORT": "passport", "UK_DRIVING_LICENCE": "licence", "MAC_ADDRESS": "mac", "URL": "secret_link"}


def ours(found):
    """Spans of each text."""
    spans = find_all(found)
    return [spans.get(row, []) for row in range(len(found))]


def presidio(found):
    """Spans of each text, by the recognizers alone."""
    from presidio_analyzer import predefined_recognizers as known

    recognizers = [getattr(known, name)() for name in (
        "EmailRecognizer", "PhoneRecognizer", "CreditCardRecognizer", "IbanRecognizer", "UsSsnRecognizer", "IpRecognizer",
        "UsPassportRecognizer", "UkPassportRecognizer", "ItPassportRecognizer", "DePassportRecognizer", "UsLicenseRecognizer",
        "UkDrivingLicenceRecognizer", "UrlRecognizer", "MacAddressRecognizer") if hasattr(known, name)]
    return [[(one.start, one.end, NAMES[one.entity_type]) for each in recognizers
             for one in each.analyze(text, each.supported_entities, None) if one.entity_type in NAMES] for text in found]


def score(made, spans):
    """kind -> (planted, found, hidden, stretches, right stretches)."""
    scored = {name: Counter() for name in (*ITEMS, "all")}
    for text, found in zip(made, spans, strict=True):
        for start, end, kind in text.planted:
            covered = sum(min(end, stop) - max(start, begin) for begin, stop, _ in found if begin < end and start < stop)
            for name in (kind, "all"):
                scored[name]["planted"] += 1
                scored[name]["found"] += any(begin <= start and end <= stop and other == kind for begin, stop, other in found)
                scored[name]["hidden"] += covered >= end - start
        for begin, stop, kind in found:
            right = any(begin < end and start < stop and kind == other for start, end, other in text.planted)
            for name in (kind, "all"):
                if name in scored:
                    scored[name]["stretches"] += 1
                    scored[name]["right"] += right
    return scored


def part(one, of):
    """Such as 0.97; a dash where there is nothing."""
    return f"{one / of:.2f}" if of else "-"


def main():
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=list(SEEDS), default="dev")
    parser.add_argument("--texts", type=int, default=4_000)
    args = parser.parse_args()
    made = texts(SEEDS[args.split], args.texts)
    said = [one.text for one in made]
    ways = {}
    for name, way in (("textpulse", ours), ("presidio", presidio)):
        begin = time.perf_counter()
        found = way(said)
        ways[name] = score(made, found), (time.perf_counter() - begin) / len(said) * 1e6
    print(f"{args.texts} texts, split {args.split}; microseconds a text: "
          + ", ".join(f"{name} {took:.1f}" for name, (_, took) in ways.items()))
    print("| kind | planted | " + " | ".join(f"{name}: recall, hidden, precision" for name in ways) + " |")
    print("|---" * (2 + len(ways)) + "|")
    for kind in (*ITEMS, "all"):
        cells = []
        for scored, _ in ways.values():
            one = scored[kind]
            cells.append(", ".join((
                part(one["found"], one["planted"]), part(one["hidden"], one["planted"]), part(one["right"], one["stretches"]))))
        print(f"| {kind} | {ways['textpulse'][0][kind]['planted']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

"""Keeps libraries from talking beside a command's own lines; TEXTPULSE_DEBUG=1 lets them."""
import logging
import os


def quiet_kafka() -> None:
    """kafka-python logs every failed connection; our errors say it once, with the address."""
    if os.environ.get("TEXTPULSE_DEBUG", "0") in ("", "0"):
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

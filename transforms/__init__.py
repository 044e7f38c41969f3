"""Beam: Kafka and archive readers, the ledger of the recovery protocol, tag, aggregate, sinks. Never imports models."""

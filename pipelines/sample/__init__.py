"""The sample stream: seeded, bilingual tickets, reviews and posts, with every fault a stream has, and their truth."""
from pipelines.sample.stream import Incident, Plan, SampleRecord, generate
from pipelines.sample.truth import truth

__all__ = ["Incident", "Plan", "SampleRecord", "generate", "truth"]

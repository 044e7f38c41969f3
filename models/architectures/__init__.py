"""The networks that can be trained: one contract, one registry, one suite of tests. Here stands what is asked before TensorFlow."""

NAMES = ("cnn", "rnn", "transformer", "seed_cnn", "minilm")
ENCODED = ("minilm",)
"""Those that are trained over an installed encoder (models.encoder)."""
TEXT_TASKS = ("sentiment", "topic", "intent")
"""Those that give a text one class, in the order of a network's heads."""
TASKS = (*TEXT_TASKS, "entities")

"""The networks that can be trained: one contract, one registry, one suite of tests. Here stands what is asked before TensorFlow."""

NAMES = ("cnn", "rnn", "transformer", "seed_cnn")
TEXT_TASKS = ("sentiment", "topic", "intent")
"""Those that give a text one class, in the order of a network's heads."""
TASKS = (*TEXT_TASKS, "entities")

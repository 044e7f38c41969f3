"""The networks that can be trained: one contract, one registry, one suite of tests. Here stands what is asked before TensorFlow."""

NAMES = ("cnn", "rnn", "transformer", "seed_cnn")
TASKS = ("sentiment", "topic", "entities")

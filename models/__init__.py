"""TensorFlow: tokenize, train, evaluate, export, load. No Beam, no Kafka."""

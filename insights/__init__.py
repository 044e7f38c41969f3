"""The domain: mergeable cells, the store, queries, verify and diff. No Beam, no TensorFlow, no Kafka."""

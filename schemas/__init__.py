"""Records and their Avro schemas: what goes in and out of textpulse, decoded and validated. Imports nothing of ours."""

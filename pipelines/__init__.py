"""The two graphs (stream and backfill), options, supervision and the command line."""

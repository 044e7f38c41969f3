"""Entities that are known by their form: what every model says of texts beside what its network learnt."""

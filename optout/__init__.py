"""Opt-out: the registry of rules, the owner's web form, and the proof that the owner is the owner."""

"""Releases: gate, manifest, verification and notices."""

"""Shards: tokeniser, document store, fill-in-the-middle, packing, loader and exports."""

"""Near and exact duplicates: shingles, MinHash signatures, bands, verification, clusters and the keeper."""

"""What several benchmarks share, and the peers they are held against."""

"""The hall: every conversation kept, changed, found, taken away and brought in."""

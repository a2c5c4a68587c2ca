"""Settings, database, ids, clock, errors and pages: knows nothing above it."""

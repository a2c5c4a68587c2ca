"""Publish and subscribe: PostgreSQL LISTEN/NOTIFY, or Redis across nodes."""

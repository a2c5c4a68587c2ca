"""Thin commands over services."""

"""Durable jobs and schedules on Procrastinate."""

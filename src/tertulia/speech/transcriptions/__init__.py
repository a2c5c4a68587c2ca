"""Recordings handed over to be transcribed: uploaded once, read by a durable job, kept until removed."""

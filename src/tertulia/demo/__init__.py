"""A handful of scripted conversations, so that a newcomer sees everything work before anything was recorded."""

from tertulia.demo.service import Demo

__all__ = ["Demo"]

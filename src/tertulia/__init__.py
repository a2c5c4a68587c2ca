"""Tertulia: one self-hosted server for spoken conversations."""

from importlib.metadata import version

__version__ = version("tertulia")

"""Chat models, structured answers and embeddings behind ports; what a machine without any does instead."""

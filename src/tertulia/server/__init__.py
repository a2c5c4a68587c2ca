"""The ASGI app: wiring, middleware, the web page's files; the only place that picks engines."""

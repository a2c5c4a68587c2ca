"""The speech host: a child process that owns models and native code, and what the server needs to use it."""

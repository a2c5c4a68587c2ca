"""One file a vendor; each fills in the private method of a contract in `speech.domain`."""

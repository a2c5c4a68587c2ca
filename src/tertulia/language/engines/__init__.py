"""One file a vendor; only server/ chooses among them."""

"""Events sent to other people's servers: signed, retried for days, with a ledger of deliveries."""

"""Who is asking: users, API keys, spaces and members, guests, rate limits."""

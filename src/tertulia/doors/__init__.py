"""The doors: the ways a conversation comes in. None of them knows another."""

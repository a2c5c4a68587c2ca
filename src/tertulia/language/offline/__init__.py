"""What can be told of a conversation without a model: by counting, by lexicons and by rules."""

"""The door `voice`: audio in, an answer in text and voice out."""

"""The door `live`: somebody speaks and sees the words at once, and none of them is lost."""

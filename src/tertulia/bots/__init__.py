"""Bots: who answers, and one turn of theirs: hear, think, speak."""

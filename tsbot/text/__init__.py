"""Wikitext to passages: what an edit added, as plain text with offsets."""

"""Traces in the console: questions under way, what of an answer somebody may see, its charts."""

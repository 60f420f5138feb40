"""Cases to private messages: routing, letters, outbox, channels."""

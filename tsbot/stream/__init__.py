"""EventStreams: read, resume, deduplicate, replay; typed events."""

"""Message files in the JSON layout of MediaWiki; empty while the interface is English only."""

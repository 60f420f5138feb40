"""What to hide: which revisions show a text, which of their fields, under which criterion, and whether it was done."""

"""What was found and what became of it, in numbers: for the team with every number, for the public without the small ones."""

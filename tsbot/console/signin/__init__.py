"""Who somebody is, and in which groups: what only the wikis can tell."""

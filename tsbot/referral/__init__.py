"""Where people find help near them: a directory of files, its loader, its check, and who is shown what of it."""

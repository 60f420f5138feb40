"""Training: from data to the files of a model. Needs the extra ``train``; nothing of it is used when judging."""

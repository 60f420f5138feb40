"""Looking back: history through the API, attempts that filters stopped, dumps. What is found is for people to review."""

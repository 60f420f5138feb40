"""Tables, sessions, field encryption and migrations."""

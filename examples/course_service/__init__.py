"""A course service on MySQL or SQLite: every change of a course publishes an event in the same transaction."""

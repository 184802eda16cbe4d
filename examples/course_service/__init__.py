"""A course service on MySQL: every change of a course publishes an event in the same transaction."""

"""Food orders on MongoDB: four services that have a database each and only messages between them, and a saga."""

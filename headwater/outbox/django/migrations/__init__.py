"""The table's history."""

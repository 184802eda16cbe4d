"""SQLite: its log holds pages, not rows, so changes come from triggers into a table that the source reads."""

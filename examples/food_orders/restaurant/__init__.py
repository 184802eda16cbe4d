"""Approves orders, or rejects them, by what is in stock."""

"""Customers; who wants to know of them is told."""

"""Takes orders and leads them through payment and approval."""

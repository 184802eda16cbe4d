"""Takes prices from customers' credit, and gives them back."""

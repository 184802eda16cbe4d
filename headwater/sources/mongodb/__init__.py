"""MongoDB as a source."""

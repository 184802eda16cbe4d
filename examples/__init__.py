"""Services that use Headwater, each one command to run."""

"""What a set of jars is: an installation that is no server."""

from pathlib import Path

from service_kinds.installation import Installation


class JarSet(Installation):
    """One flat folder of jars, fit for a class path."""

    def fetch(self) -> Path:
        """The folder that holds the jars, fetched first if need be; raises ServiceError."""
        with self.locked():
            self.ensure_installed()
        return self.software

from pathlib import Path
class DebeziumJars:
    def __init__(self, root: Path) -> None: ...
    def fetch(self) -> Path: return Path()

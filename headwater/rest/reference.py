"""The REST API's description as a file, for those who want it without a worker.

``python -m headwater.rest.reference > docs/reference/openapi.json`` writes it anew.
"""

from __future__ import annotations

import json
import sys

from headwater.rest.app import OPERATIONS
from headwater.rest.openapi import describe


def page() -> str:
    """The whole file."""
    return json.dumps(describe(OPERATIONS), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())

"""How often, and after what waits, a message is tried again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """``attempts`` in all; the first wait, in seconds, doubles each time up to the longest."""

    attempts: int = 10
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_wait < 0 or self.longest_wait < self.first_wait:
            raise ValueError("attempts must be at least 1, and 0 <= first_wait <= longest_wait")

    def wait(self, attempts: int) -> float:
        """Seconds to wait after so many attempts."""
        return min(self.longest_wait, self.first_wait * 2.0 ** min(attempts - 1, 60))

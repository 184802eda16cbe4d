"""What was compared with Debezium and Kafka Connect, told at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_lines = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lines] = []


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return pytestconfig.stash[_lines].append


@pytest.fixture
def report(request: pytest.FixtureRequest, tell: Callable[[str], None]) -> Callable[[str], None]:
    """Takes what a test's comparison counted."""
    name: str = request.node.name
    return lambda line: tell(f"{name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_lines]:
        terminalreporter.section("conformance")
        for line in config.stash[_lines]:
            terminalreporter.write_line(line)

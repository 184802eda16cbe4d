"""The image of the repository's Dockerfile, built once."""

from pathlib import Path

import pytest

from tests.integration.container.image import Build, docker_context, read_dockerfile

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    context = docker_context(REPOSITORY, folder / "context")
    # what compiling makes of the modules is shown by tests of its own
    return Build(context, folder, HEADWATER_COMPILE="0").image(read_dockerfile(REPOSITORY / "Dockerfile"))

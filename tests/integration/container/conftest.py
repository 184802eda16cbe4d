"""The image of the repository's Dockerfile, built once."""

from pathlib import Path

import pytest

from tests.integration.container.image import Build, docker_context, read_dockerfile

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    context = docker_context(REPOSITORY, folder / "context")
    return Build(context, folder).image(read_dockerfile(REPOSITORY / "Dockerfile"))

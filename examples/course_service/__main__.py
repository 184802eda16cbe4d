"""`python -m examples.course_service` serves the API until it is interrupted."""

import click
import uvicorn
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from examples.course_service.api import create_app
from examples.course_service.database import DRIVERS


def _url(_: click.Context, __: click.Parameter, value: str) -> URL:
    try:
        url = make_url(value)
    except ArgumentError:
        raise click.BadParameter("expected mysql://user:password@host:port/database or sqlite:///file") from None
    if url.get_backend_name() not in DRIVERS:
        raise click.BadParameter(f"this service runs on {' or '.join(DRIVERS)}, not {url.get_backend_name()}")
    return url


@click.command()
@click.option(
    "--database-url",
    envvar="DATABASE_URL",
    show_envvar=True,
    required=True,
    callback=_url,
    metavar="mysql://USER:PASSWORD@HOST:PORT/DATABASE|sqlite:///FILE",
    help="Where courses are stored; missing tables are created.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def main(database_url: URL, host: str, port: int) -> None:
    """Serve the course service's API."""
    uvicorn.run(create_app(database_url), host=host, port=port)


if __name__ == "__main__":
    main(prog_name="python -m examples.course_service")

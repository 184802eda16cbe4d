"""`python -m examples.food_orders order --port 8001` serves one of the four services until it is interrupted."""

from __future__ import annotations

from importlib import import_module

import click
import uvicorn

from examples.food_orders.settings import Settings
from headwater.logs import configure_logs


@click.command()
@click.argument("service", type=click.Choice(["order", "payment", "restaurant", "customer"]))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8001, show_default=True, help="Port to listen on.")
def main(service: str, host: str, port: int) -> None:
    """Serve one service. The environment says with what: see examples/food_orders/README.md."""
    configure_logs()
    app = import_module(f"examples.food_orders.{service}.api").create_app(Settings.from_environment())
    uvicorn.run(app, host=host, port=port, log_level="warning")


if __name__ == "__main__":
    main(prog_name="python -m examples.food_orders")

"""The food order system, running: one order is approved, and one that the restaurant rejects is paid back.

    make demo-food-orders            stays up for trying things, until Ctrl-C
    make demo-food-orders ONCE=1     ends once both orders have ended: status 0, or 1 with the reason
    make demo-food-orders DELIVERY=log          events are read from the database's log; else by relays
    make demo-food-orders MESSAGES=avro         messages are in Avro, with schemas in a folder; else in JSON

Four services with a MongoDB database each, what takes the events out of their outboxes, and Kafka between them.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import httpx
import pymongo

sys.path.insert(0, str(Path(__file__).parent.parent))  # `tools` and `examples` are no installed packages

from examples.food_orders.settings import Settings
from headwater.outbox.table import Delivery
from tools.food_orders import SERVICES, FoodOrders, ProcessEndedError

ROOT = Path(__file__).parent.parent
WAIT_SECONDS = 120.0


class DemoError(Exception):
    """Why the demo can't go on."""


def step(text: str) -> None:
    """Say what happens next."""
    click.secho(f"\n▸ {text}", bold=True)


def start_servers() -> dict[str, str]:
    """MongoDB and Kafka, and where they listen."""
    subprocess.run([ROOT / "tools" / "services", "up", "mongodb", "kafka"], check=True)
    exports = subprocess.run([ROOT / "tools" / "services", "env"], check=True, capture_output=True, text=True).stdout
    return dict(word.split("=", 1) for line in exports.splitlines() for word in shlex.split(line) if "=" in word)


class Demo:
    """The requests, each shown as it is made."""

    def __init__(self, system: FoodOrders, sagas: Any) -> None:
        self._system = system
        self._sagas = sagas
        self._http = httpx.Client(timeout=30)

    def call(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """A request that has to succeed, and its answer."""
        answer = self._http.request(method, self._system.url(service) + path, json=body)
        click.echo(f"  {method} {service}{path}  →  {answer.status_code} {answer.text}")
        if answer.is_error:
            raise DemoError(f"{method} {service}{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def customer(self, name: str, credit: int) -> str:
        """A customer with credit, whom the order service has heard of."""
        customer: str = self.call("POST", "customer", "/customers", {"name": name})["customerId"]
        self.call("POST", "payment", "/deposit", {"customerId": customer, "amount": credit})
        return customer

    def order(self, customer: str, quantity: int, wanted: str) -> None:
        """Place an order and show each step of its saga until it has ended as it should."""
        items = [{"productId": "pizza", "quantity": quantity, "price": 1000}]
        body = {"customerId": customer, "restaurantId": "luigi", "items": items}
        deadline = time.monotonic() + WAIT_SECONDS
        while (answer := self._http.post(self._system.url("order") + "/orders", json=body)).status_code != 201:
            if time.monotonic() > deadline:
                raise DemoError(f"the order was not taken: {answer.text}")
            time.sleep(0.2)  # the customer's event is on its way
        order = answer.json()["orderId"]
        click.echo(f"  POST order/orders  →  201 {answer.text}")
        shown = 0
        while time.monotonic() < deadline:
            saga = self._sagas.find_one({"_id.id": order})
            for entry in saga["history"][shown:]:
                reason = f"  ({entry['reason']})" if entry.get("reason") else ""
                asked = "undo payment" if entry["phase"] == "rollback" else entry["step"]
                click.secho(f"    {entry['at'][11:23]}  {asked:<14} {entry['outcome']}{reason}", fg="cyan")
            shown = len(saga["history"])
            if saga["status"] in ("COMPLETED", "COMPENSATED"):
                break
            time.sleep(0.05)
        status = self.call("GET", "order", f"/orders/{order}")["status"]
        if status != wanted:
            raise DemoError(f"the order should be {wanted}, and is {status}")


def run(by: Delivery, messages: str, *, once: bool) -> None:
    """The whole walk."""
    step("Starting MongoDB and Kafka")
    servers = start_servers()
    with (
        pymongo.MongoClient[dict[str, Any]](servers["MONGODB_URL"]) as mongodb,
        tempfile.TemporaryDirectory(prefix="food-orders-") as folder,
    ):
        deliverers = "a relay for each" if by is Delivery.RELAY else "a worker that reads the database's log"
        step(f"Starting the services order, payment, restaurant and customer, and {deliverers}")
        settings = Settings(
            servers["MONGODB_URL"],
            f"kafka://{servers['KAFKA_BOOTSTRAP_SERVERS']}",
            schema_registry_url=(Path(folder) / "schemas").as_uri() if messages == "avro" else "",
            prefix=f"demo{int(time.time())}-",
        )
        with FoodOrders(settings, Path(folder), by) as system:
            _walk(Demo(system, mongodb[settings.prefix + "order"]["sagas"]))
            if not once:
                step("Running until Ctrl-C")
                for name in SERVICES:
                    click.echo(f"  {name:<12} {system.url(name)}/docs")
                with contextlib.suppress(KeyboardInterrupt):
                    system.processes["order"].wait()
        for name in SERVICES:
            mongodb.drop_database(settings.prefix + name)


def _walk(demo: Demo) -> None:
    step("A restaurant with ten pizzas, and a customer with credit")
    demo.call("PUT", "restaurant", "/restaurants/luigi/stock", {"pizza": 10})
    customer = demo.customer("Ada", 50_000)
    step("An order of two: paid, approved")
    demo.order(customer, 2, "APPROVED")
    step("An order of eleven: paid, rejected, paid back")
    demo.order(customer, 11, "CANCELLED")
    step("What is left of the credit: 50000 less the 2000 of the first order")
    credit = demo.call("GET", "payment", f"/credit/{customer}")["credit"]
    if credit != 48_000:
        raise DemoError(f"the credit should be 48000, and is {credit}")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end when both orders have ended")
    parser.add_argument("--delivery", type=Delivery, choices=list(Delivery), default=Delivery.RELAY)
    parser.add_argument("--messages", choices=["json", "avro"], default="json")
    arguments = parser.parse_args()
    try:
        run(arguments.delivery, arguments.messages, once=arguments.once)
    except (DemoError, ProcessEndedError, subprocess.CalledProcessError) as error:
        click.secho(f"\n✗ {error}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

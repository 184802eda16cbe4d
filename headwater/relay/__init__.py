"""The relay: publishes what an outbox keeps, for whoever can't or won't give access to the database's log.

It is a process of its own (`headwater relay`), or a thread of the service's: a `Relay` has a queue, which is the
outbox (`queue`, `queues`), and a publisher, which makes messages of events and gives them to a sink.
"""

from headwater.relay.publisher import FailurePolicy, Publisher
from headwater.relay.relay import Relay
from headwater.relay.routing import Routing

__all__ = ["FailurePolicy", "Publisher", "Relay", "Routing"]

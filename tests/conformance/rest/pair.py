"""Kafka Connect and Headwater side by side: the same requests to both, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from tests.conformance.rest.agreement import differing_parts
from tests.conformance.rest.differences import Difference
from tests.conformance.rest.exchange import Answer, Peer, Request, delete, get
from tests.worker_process import wait_until


class Pair:
    """Counts what it compares; each method takes any number of requests and fails with all that went wrong."""

    def __init__(self, connect: Peer, headwater: Peer) -> None:
        self._connect = connect
        self._headwater = headwater
        self.same_answers = 0
        self.different_answers = 0

    def same(self, *requests: Request) -> None:
        """Both answer alike."""
        wrong = []
        for request, connect, headwater in self._exchange(requests):
            self.same_answers += 1
            if differing_parts(connect, headwater):
                wrong.append(_shown(request, connect, headwater))
        assert not wrong, "\n\n".join(wrong)

    def differ(self, why: Difference, *requests: Request, connect: int = 0, headwater: int = 0) -> None:
        """The answers differ, for a reason, and only in what the reason is for; statuses as given, or the same."""
        wrong = []
        for request, theirs, ours in self._exchange(requests):
            self.different_answers += 1
            parts = differing_parts(theirs, ours)
            statuses = (connect, headwater) if connect else (theirs.status, theirs.status)
            if not parts or parts - why.parts - {"status"} or (theirs.status, ours.status) != statuses:
                wrong.append(_shown(request, theirs, ours))
            elif "body" in parts and ours.status >= 400 and not _is_error(ours):
                wrong.append(f"no error as Kafka Connect's\n{_shown(request, theirs, ours)}")
        assert not wrong, f"not just {why.title}:\n" + "\n\n".join(wrong)

    def ask(self, request: Request) -> tuple[Answer, Answer]:
        """Kafka Connect's answer and Headwater's, for a comparison of their own."""
        self.different_answers += 1
        return self._connect.ask(request), self._headwater.ask(request)

    def until(self, request: Request, condition: Callable[[Any], object]) -> None:
        """Ask both again and again until their answers' bodies meet a condition."""
        for peer in (self._connect, self._headwater):

            def met(peer: Peer = peer) -> object:
                return condition(peer.ask(request).body)

            wait_until(f"{request} at {peer.name}", met)

    def wait(self, name: str, connector: str, tasks: list[str]) -> None:
        """Until the connector and its tasks are in these states at both."""

        def reached(status: Any) -> bool:
            states = [task["state"] for task in status.get("tasks", ())]
            return (status.get("connector", {}).get("state"), states) == (connector, tasks)

        self.until(get(f"/connectors/{name}/status"), reached)

    def clear(self) -> None:
        """Delete every connector."""
        for peer in (self._connect, self._headwater):
            for name in peer.ask(get("/connectors")).body:
                peer.ask(delete(f"/connectors/{quote(name, safe='')}"))

    def _exchange(self, requests: Iterable[Request]) -> Iterable[tuple[Request, Answer, Answer]]:
        for request in requests:
            yield request, self._connect.ask(request), self._headwater.ask(request)


def _is_error(answer: Answer) -> bool:
    """Whether it is a JSON document as Kafka Connect's ``ErrorMessage``."""
    body = answer.body
    return (
        answer.content_type == "application/json"
        and set(body) == {"error_code", "message"}
        and body["error_code"] == answer.status
        and bool(body["message"])
    )


def _shown(request: Request, connect: Answer, headwater: Answer) -> str:
    return f"{request}\n  Kafka Connect: {connect}\n  Headwater:     {headwater}"

"""The W3C trace context that an event is published in, so that what its consumers do belongs to the same trace.

Source: https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import sys

LONGEST = {"traceparent": 255, "tracestate": 512}
"""The headers of the trace context, which are also columns, and how many characters they hold.

512 is how much of a ``tracestate`` everyone has to pass on; of a longer one nothing is kept.
"""
NAMES = tuple(LONGEST)


def current() -> dict[str, str]:
    """``traceparent`` and ``tracestate`` of the span that is active in OpenTelemetry; empty where there is none.

    A service that doesn't trace hasn't imported OpenTelemetry, and nothing is imported for it here.
    """
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return {name: value for name, value in carrier.items() if len(value) <= LONGEST[name]}

"""What a plugin's options are, as the REST API describes them: Kafka Connect's ``ConfigKeyInfo``."""

from __future__ import annotations

from typing import Any

from headwater.config import Option, Required


def config_key_info(option: Option, doc: str | None = None) -> dict[str, Any]:
    """An option; ``doc`` takes the place of what the option itself says."""
    return {
        "name": option.name,
        "type": option.type.value,
        "required": isinstance(option.default, Required),
        "default_value": option.text(option.default),
        "importance": option.importance.value,
        "documentation": option.doc if doc is None else doc,
        "group": option.group,
        "order_in_group": option.order,
        "width": option.width.value,
        "display_name": option.label or option.name,
        "dependents": [],
    }

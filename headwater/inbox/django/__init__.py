"""The inbox for Django: an app (``"headwater.inbox.django"`` in INSTALLED_APPS) whose migration makes the table."""

from headwater.inbox.django.inbox import Inbox

__all__ = ["Inbox"]

"""The app."""

from django.apps import AppConfig


class HeadwaterInboxConfig(AppConfig):
    """Its tables' names begin with ``headwater_inbox``."""

    name = "headwater.inbox.django"
    label = "headwater_inbox"
    verbose_name = "Inbox"

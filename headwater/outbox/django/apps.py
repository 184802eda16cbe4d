"""The app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """``headwater.outbox.django`` in ``INSTALLED_APPS``."""

    name = "headwater.outbox.django"
    label = "headwater_outbox"
    verbose_name = "Outbox"

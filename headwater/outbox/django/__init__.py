"""The outbox for Django: an app with a model and its migration, and publishing in ``transaction.atomic``.

Add ``headwater.outbox.django`` to ``INSTALLED_APPS`` and run ``manage.py migrate``; then

    from headwater.outbox.django.publishing import Outbox
"""

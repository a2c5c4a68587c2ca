"""Telling other people's servers of what happens in a space, signed and with a ledger."""

from tertulia.webhooks.domain import EventTypes
from tertulia.webhooks.sending import Sender
from tertulia.webhooks.service import Webhooks

__all__ = ["EventTypes", "Sender", "Webhooks"]

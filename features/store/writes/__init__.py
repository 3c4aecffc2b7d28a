"""Leads and events into rows: idempotent, in any order of arrival, nothing dropped or coerced."""

from .events import accept_events, replay_quarantine
from .leads import accept_leads
from .receipts import EventReceipt, Known, LeadResult

__all__ = ["EventReceipt", "Known", "LeadResult", "accept_events", "accept_leads", "replay_quarantine"]

"""Every table, one file per subject, on one MetaData."""

from .agents import agent, agent_state
from .calls import call, call_past, callback, conversion, disposition, touch, voice
from .decisions import batch, decision, draw, feature_set, lease, served_vector, shadow_score
from .events import event, outcome_code, quarantine, repeat
from .installation import api_key, counter, idempotency, import_run, installation
from .kpi_days import kpi_close, kpi_column, kpi_day
from .leads import campaign, consent, lead, lead_attribute, lead_past, suppression
from .metadata import metadata
from .outbox import outbox
from .webhooks import delivery, webhook

__all__ = [
    "agent",
    "agent_state",
    "api_key",
    "batch",
    "call",
    "call_past",
    "callback",
    "campaign",
    "consent",
    "conversion",
    "counter",
    "decision",
    "delivery",
    "disposition",
    "draw",
    "event",
    "feature_set",
    "idempotency",
    "import_run",
    "installation",
    "kpi_close",
    "kpi_column",
    "kpi_day",
    "lead",
    "lead_attribute",
    "lead_past",
    "lease",
    "metadata",
    "outbox",
    "outcome_code",
    "quarantine",
    "repeat",
    "served_vector",
    "shadow_score",
    "suppression",
    "touch",
    "voice",
    "webhook",
]

"""What passed between the lead and the floor besides calls: mails, messages, chats, forms."""

from ..instants import DAY
from ..statistics.recency import Recency
from ..statistics.window import Count

FEATURES = (
    Count("lead_touches_7d", by="lead", within=7 * DAY, of="touches"),
    Count("lead_inbound_7d", by="lead", within=7 * DAY, of="inbound"),
    Count("lead_emails_30d", by="lead", within=30 * DAY, of="email"),
    Count("lead_sms_30d", by="lead", within=30 * DAY, of="sms"),
    Count("lead_chats_30d", by="lead", within=30 * DAY, of="chat"),
    Count("lead_forms_30d", by="lead", within=30 * DAY, of="form"),
    Recency("lead_hours_since_touch", by="lead", of="touches"),
    Recency("lead_hours_since_inbound", by="lead", of="inbound"),
)

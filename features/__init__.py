"""features remembers: what was known of a lead and an agent at any moment of the past."""

from .calls import CallLog, Moments, Outcome
from .catalogue import for_leads
from .compute import FeatureMatrix, compute
from .leads import LeadTable
from .past import Feature, Past

__all__ = [
    "CallLog",
    "Feature",
    "FeatureMatrix",
    "LeadTable",
    "Moments",
    "Outcome",
    "Past",
    "compute",
    "for_leads",
]

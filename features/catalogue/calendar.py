"""Where the moment stands in the lead's own day and week, and how old the lead is."""

from ..statistics.attribute import Age, Worth
from ..statistics.calendar import Calendar

FEATURES = (
    Age("lead_age_hours"),
    Worth("lead_value"),
    Calendar("local_hour", part="hour"),
    Calendar("local_weekday", part="weekday"),
    Calendar("local_hour_of_week", part="hour_of_week"),
    Calendar("arrival_hour", part="hour", when="arrival"),
)

"""Where the moment stands in the lead's own day and week, how far a holiday is, and how old the lead is."""

from ..statistics.attribute import Age, Worth
from ..statistics.calendar import Calendar
from ..statistics.holiday import Holiday, UntilHoliday

FEATURES = (
    Age("lead_age_hours"),
    Worth("lead_value"),
    Calendar("local_hour", part="hour"),
    Calendar("local_weekday", part="weekday"),
    Calendar("local_hour_of_week", part="hour_of_week"),
    Holiday("local_holiday"),
    UntilHoliday("local_days_until_holiday"),
    Calendar("arrival_hour", part="hour", when="arrival"),
)

"""The accounts: who is credited with what, one definition per KPI, and how sure the figures are."""

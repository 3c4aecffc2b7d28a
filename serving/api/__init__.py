"""The only place that knows HTTP: translate a request, delegate it, translate the answer back."""

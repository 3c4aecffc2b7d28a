"""Measurements against rivals, each ratio taken in one run; deselected unless `-m benchmark`."""

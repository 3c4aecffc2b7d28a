"""The schema's history, and the one function that brings a database up to date."""

from .upgrade import HEAD, Schema, require_current, schema_of, upgrade

__all__ = ["HEAD", "Schema", "require_current", "schema_of", "upgrade"]

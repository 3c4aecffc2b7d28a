"""The schema's history, and the one function that brings a database up to date."""

from .upgrade import HEAD, Schema, schema_of, upgrade

__all__ = ["HEAD", "Schema", "schema_of", "upgrade"]

"""All SQL about the past: tables, engine, migrations, writes and reads."""

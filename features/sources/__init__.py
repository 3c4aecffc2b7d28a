"""Ways in: the shapes of leads and events on the wire, and readers of files."""

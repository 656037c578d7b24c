"""Debug sessions: a strategy held at a bar of history, driven over HTTP."""

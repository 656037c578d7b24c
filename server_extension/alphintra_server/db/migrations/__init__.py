"""Migrations, applied at start by ``db.migrate``."""

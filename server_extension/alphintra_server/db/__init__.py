"""Persistence: tables, engines and migrations."""

from .engine import Database, DatabaseInUseError

__all__ = ["Database", "DatabaseInUseError"]

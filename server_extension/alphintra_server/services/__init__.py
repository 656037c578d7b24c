"""Domain logic, one resource a file; nothing here knows Tornado."""

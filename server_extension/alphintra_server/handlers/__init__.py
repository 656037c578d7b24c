"""HTTP onto services: thin, one resource a file."""

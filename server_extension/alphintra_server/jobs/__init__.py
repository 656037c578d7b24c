"""Jobs: the table, its transitions, and the supervisor that runs them in the sandbox."""

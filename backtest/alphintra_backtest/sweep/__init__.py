"""Many parameter sets of one strategy over the same data: what to run, where to run it, what came of it."""

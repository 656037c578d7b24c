"""Other engines on our data, into our Result; each imports its engine in one module, which is optional."""

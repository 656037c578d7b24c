"""Processes in the sandbox that read datasets for the server, which reads none of their files itself."""

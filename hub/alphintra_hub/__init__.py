"""Alphintra on JupyterHub: authentication, spawning and scopes for many users."""

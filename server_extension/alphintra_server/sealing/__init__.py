"""Sealed datasets on the server: its master keys, and copies that are opened in memory for whoever may read them."""

"""Alphintra: the SDK that a trader imports."""

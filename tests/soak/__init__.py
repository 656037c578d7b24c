"""The kill test: servers that are ended by SIGKILL while people use them, and what must hold afterwards.

``python -m tests.soak --help`` runs it; ``tests/server/test_kill.py`` runs a short one.
"""

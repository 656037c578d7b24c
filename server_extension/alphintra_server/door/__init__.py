"""The door: how a sandbox talks to its server.

One UNIX socket per kernel or job. The socket says who is asking, a token proves it, and both end with the
tenant. What is behind it is a short route table of its own (:mod:`.routes`), on the same services and with the
same authorisation as REST; nothing of Jupyter's is there.
"""

"""Reading Python source without running it.

Everything here is a pure function of text. It runs in the parser process (``source/process.py``): hostile
text can make CPython's parser slow, or crash it, and neither may happen to the server.
"""

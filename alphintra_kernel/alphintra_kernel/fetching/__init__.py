"""Fetching data from where others keep it: over HTTP, from exchanges, from a database.

It runs in a process of its own that has a network and nothing else: no files, no token, no other user's data. What is
fetched is written as it came; nobody here makes a dataset of it.
"""

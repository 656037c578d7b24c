"""From any file to sorted staging and findings.

Runs in a sandboxed worker, never in the server: what people send is parsed here. No server, no Jupyter, no network.
"""

"""Paper trading on the same simulation core: feeds, live sessions, risk and the ledger."""

"""Walk-forward (W1): parameters chosen on one stretch of data, traded on the next, window after window."""

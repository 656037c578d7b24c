"""The rules, one subject a file: what each says, and what checks it."""

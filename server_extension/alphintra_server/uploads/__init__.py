"""Files on their way to the server: the tus protocol, forms with one file, and where the bytes lie meanwhile."""

"""Every change: read, decide, write, tell. Takes `db` and never commits."""

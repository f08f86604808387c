"""Every change: read, decide, write, tell. Each takes the session of an entrance and never commits."""

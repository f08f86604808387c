"""Every change that is more than plain CRUD: read, decide, write, tell. Nothing here commits."""

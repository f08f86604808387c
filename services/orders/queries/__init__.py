"""Reads and locks that deserve a name, and which rows a caller may see."""

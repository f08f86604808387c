"""Entrances: documents in, documents out."""

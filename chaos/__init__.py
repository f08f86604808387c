"""Seeded bad days: buyers buy while a saboteur breaks things; afterwards an independent checker looks at what is left."""

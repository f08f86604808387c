"""A very small service that exists to try the chassis: notes that people pin to a wall."""

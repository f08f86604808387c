"""Payment providers of our own for one machine: same wire, durable books, faults on demand."""

"""What an order costs: CPU time over all processes, orders per second, and how long people wait."""

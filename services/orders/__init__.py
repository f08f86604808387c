"""Orders, attendees, the seat ledger and the code-use ledger."""

"""Rules. Values in, a value or a refusal out: no database, no clock, no framework."""

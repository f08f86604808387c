"""The rules of payments: values in, a value or a refusal out."""

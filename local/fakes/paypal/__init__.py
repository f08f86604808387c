"""A small PayPal: the classic REST v1 payments, signed webhooks; spoken to by the real SDK."""

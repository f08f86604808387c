"""A small Stripe: charges, payment intents, refunds, Connect, signed webhooks; spoken to by the real SDK."""

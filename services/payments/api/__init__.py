"""HTTP: webhooks of the providers, and organizers' Stripe accounts."""

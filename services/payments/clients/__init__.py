"""Payment providers and other services, as we see them."""

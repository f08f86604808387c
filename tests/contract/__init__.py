"""What clients rely on: the documented transactions of this API, driven through the gateway."""

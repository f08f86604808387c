"""Payments: money movement and what providers know of it. See docs/payments.md."""

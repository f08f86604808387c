"""What an operator watches of tickets, beside what the chassis measures."""

from prometheus_client import Counter, Gauge, Histogram

pdf_seconds = Histogram(
    "pdf_seconds", "Time to draw and store one PDF", buckets=(0.01, 0.02, 0.05, 0.1, 0.5, 2, 10, 30)
)
pdf_failures = Counter("pdf_failures_total", "PDFs that could not be drawn")
orders_due = Gauge("tickets_orders_due", "Orders whose PDFs are not drawn yet")

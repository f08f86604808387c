"""One module per kind of endpoint: requests in, PDFs and documents out."""

"""PDF tickets: views in, bytes out, made in processes of their own."""

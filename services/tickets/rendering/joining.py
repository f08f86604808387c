"""Several PDFs as one."""

from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def joined(parts: Sequence[bytes]) -> bytes:
    """All pages, in this order, under the title of the first."""
    if len(parts) == 1:
        return parts[0]
    whole = BytesIO()
    with PdfWriter() as writer:
        for part in parts:
            writer.append(BytesIO(part))
        writer.add_metadata(PdfReader(BytesIO(parts[0])).metadata or {})
        writer.write(whole)
    return whole.getvalue()

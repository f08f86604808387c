"""The one door: JWT, roles, limits and a routing table built from the five specs. It forwards; it never joins or decides."""

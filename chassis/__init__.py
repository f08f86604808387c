"""What every service needs and no customer has heard of."""

import warnings

# Connexion imports Starlette's test client at every start, which complains about a library that only tests would use.
warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")

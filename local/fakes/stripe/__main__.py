"""python -m local.fakes.stripe --port 8201 --webhook-url http://127.0.0.1:8104/v1/webhooks/stripe"""

from local.fakes.deliveries import Subscription
from local.fakes.server import arguments, serve
from local.fakes.stripe.app import build

parser = arguments("stripe", port=8201)
parser.add_argument("--webhook-secret", default="whsec_fake", help="signs the webhooks to --webhook-url")
options = parser.parse_args()
to = Subscription(options.webhook_url, options.webhook_secret, options.webhook_events) if options.webhook_url else None
serve(lambda: build(options.books, to, options.public_url, quiet=options.quiet), options.host, options.port)

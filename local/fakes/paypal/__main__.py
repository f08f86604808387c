"""python -m local.fakes.paypal --port 8202 --client-id ID --client-secret SECRET --webhook-url http://127.0.0.1:8104/…"""

from local.fakes.paypal.app import build
from local.fakes.paypal.caller import Credentials
from local.fakes.server import arguments, serve

parser = arguments("paypal", port=8202)
parser.add_argument("--client-id", default="fake-client")
parser.add_argument("--client-secret", default="fake-secret")
parser.add_argument("--webhook-id", default="WH-FAKE", help="the id under which the shop registered --webhook-url")
parser.add_argument("--server-url", help="how the shop's servers reach it (default: http://HOST:PORT)")
options = parser.parse_args()
serve(
    lambda: build(
        options.books,
        options.server_url or f"http://{options.host}:{options.port}",
        Credentials(options.client_id, options.client_secret),
        options.webhook_id,
        options.webhook_url,
        options.webhook_events,
        options.public_url,
        quiet=options.quiet,
    ),
    options.host,
    options.port,
)

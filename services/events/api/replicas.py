"""Other services' types, as far as events knows them: they are included and filtered by, but served elsewhere."""

from chassis.jsonapi import Resource
from services.events import queries
from services.events.api.of_event import SPEC
from services.events.models import GeneralStatistics, StripeAuthorization, User, VideoStream

PICTURES = ("original-image-url", "thumbnail-image-url", "small-image-url", "icon-image-url")

users = Resource(
    "user",
    User,
    spec=SPEC,
    levels={"colleague": queries.colleagues},
    computed={name: lambda user: user.avatar_url or None for name in PICTURES},
)
stripe_authorizations = Resource(
    "stripe-authorization",
    StripeAuthorization,
    spec=SPEC,
    visible=queries.of_visible_events(StripeAuthorization),
)
general_statistics = Resource(
    "event-statistics-general",
    GeneralStatistics,
    spec=SPEC,
    visible=queries.runs(GeneralStatistics.id),
    self_link="/v1/events/{id}/general-statistics",
)
video_streams = Resource("video-stream", VideoStream, spec=SPEC, visible=queries.of_visible_events(VideoStream))
get_event_of_stripe_authorization = stripe_authorizations.fetch_related("event")

"""Static pages."""

from chassis.jsonapi import Resource
from services.events.api.of_event import SPEC
from services.events.models import Page

pages = Resource("page", Page, spec=SPEC, sort="index,id")

list_pages, get_page = pages.fetch_page, pages.fetch
create_page, update_page, delete_page = pages.create, pages.update, pages.delete

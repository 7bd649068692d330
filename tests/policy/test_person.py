"""Who acts is said in one place: every route that changes anything takes its person from there."""

from __future__ import annotations

from fastapi.routing import APIRoute
from pydantic import BaseModel

from gateway.api.app import describe_app
from gateway.api.person import LONGEST_NAME, ByPerson

NOBODY_S = {
    "POST /api/exports",
    "DELETE /api/exports/{export_id}",
    "DELETE /api/history/snapshot",
}
"""They make and remove files that the gateway can make again; nothing of the plant's record changes."""


def acting() -> dict[str, APIRoute]:
    """Routes that change something, by method and path."""
    routers = [getattr(included, "original_router", None) for included in describe_app().routes]
    routes = [route for router in routers if router for route in router.routes if isinstance(route, APIRoute)]
    return {
        f"{method} {route.path}": route
        for route in routes
        for method in sorted(route.methods - {"GET", "HEAD", "OPTIONS"})
    }


def takes_its_person(route: APIRoute) -> bool:
    bodies = [each.field_info.annotation for each in route.dependant.body_params]
    if any(isinstance(each, type) and issubclass(each, BaseModel) and issubclass(each, ByPerson) for each in bodies):
        return True
    by = [each for each in route.dependant.query_params if each.name == "by"]
    return bool(by) and any(getattr(each, "max_length", None) == LONGEST_NAME for each in by[0].field_info.metadata)


def test_every_route_that_acts_says_who_acts_in_the_one_place_that_a_log_in_will_fill() -> None:
    routes = acting()
    assert len(routes) > 20, "the routes are not found any more"
    assert {name for name, route in routes.items() if not takes_its_person(route)} == NOBODY_S

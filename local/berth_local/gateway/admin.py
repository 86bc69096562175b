"""The gateway's own pages below `/_berth/`: journal, rules, counts, health."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from .host import FunctionHost
from .journal import FILTERS
from .pollers import Pollers
from .proxy import Proxy
from .rules import RuleError


class Admin:
    """Pages for tests, the demo and the fault kit. They answer JSON and never count as AWS calls."""

    def __init__(self, proxy: Proxy, host: FunctionHost, pollers: Pollers, describe: Callable[[], dict]) -> None:
        self._proxy = proxy
        self._host = host
        self._pollers = pollers
        self._describe = describe

    def add_routes(self, app: web.Application) -> None:
        """Registers the pages."""
        router = app.router
        router.add_get("/_berth/health", self.health)
        router.add_get("/_berth/stats", self.stats)
        router.add_delete("/_berth/stats", self.clear_stats)
        router.add_get("/_berth/invocations", self.invocations)
        router.add_get("/_berth/calls", self.calls)
        router.add_delete("/_berth/calls", self.clear_calls)
        router.add_get("/_berth/rules", self.rules)
        router.add_post("/_berth/rules", self.add_rule)
        router.add_delete("/_berth/rules", self.clear_rules)
        router.add_delete("/_berth/rules/{id}", self.remove_rule)
        router.add_post("/_berth/rules/{id}/mend", self.mend_rule)
        router.add_post("/_berth/refresh", self.refresh)
        router.add_post("/_berth/redeploy", self.redeploy)
        router.add_route("*", "/_berth/{rest:.*}", self.unknown)

    async def health(self, _request: web.Request) -> web.Response:
        """Answers as soon as the gateway serves."""
        return web.json_response({"status": "ok", **self._describe()})

    async def stats(self, _request: web.Request) -> web.Response:
        """Counts per function and per event source."""
        return web.json_response({"functions": self._host.snapshot(), "event_sources": self._pollers.snapshot()})

    async def clear_stats(self, _request: web.Request) -> web.Response:
        """Sets the counts of the functions back."""
        self._host.stats.clear()
        return web.json_response({"cleared": True})

    async def invocations(self, request: web.Request) -> web.Response:
        """The invocations that ended: `?since=SEQ&function=NAME`."""
        since = _since(request)
        return web.json_response(self._host.stats.invocations(since, request.query.get("function", "")))

    async def calls(self, request: web.Request) -> web.Response:
        """The journal: `?since=SEQ` and any of `journal.FILTERS`."""
        unknown = sorted(set(request.query) - {"since", *FILTERS})
        if unknown:
            return _bad(f"unknown filters: {', '.join(unknown)}; known are since, {', '.join(FILTERS)}")
        wanted = {key: request.query[key] for key in FILTERS if key in request.query}
        return web.json_response(self._proxy.journal.read(_since(request), **wanted))

    async def clear_calls(self, _request: web.Request) -> web.Response:
        """Empties the journal."""
        return web.json_response({"cleared": self._proxy.journal.clear()})

    async def rules(self, _request: web.Request) -> web.Response:
        """The rules in force and how often each fired."""
        return web.json_response({"rules": [rule.as_json() for rule in self._proxy.rules.all()]})

    async def add_rule(self, request: web.Request) -> web.Response:
        """Sets a rule and answers it with its id."""
        try:
            rule = self._proxy.rules.add(json.loads(await request.read()))
        except RuleError as error:
            return _bad(str(error))
        except ValueError as error:
            return _bad(f"the rule is not JSON: {error}")
        return web.json_response(rule.as_json(), status=201)

    async def clear_rules(self, _request: web.Request) -> web.Response:
        """Removes every rule."""
        return web.json_response({"cleared": self._proxy.rules.clear()})

    async def remove_rule(self, request: web.Request) -> web.Response:
        """Removes one rule."""
        text = request.match_info["id"]
        if text.isdigit() and self._proxy.rules.remove(int(text)):
            return web.json_response({"removed": int(text)})
        return web.json_response({"error": f"there is no rule {text}"}, status=404)

    async def mend_rule(self, request: web.Request) -> web.Response:
        """Ends what a rule breaks, and keeps its counts."""
        text = request.match_info["id"]
        rule = self._proxy.rules.mend(int(text)) if text.isdigit() else None
        if rule is None:
            return web.json_response({"error": f"there is no rule {text}"}, status=404)
        return web.json_response(rule.as_json())

    async def refresh(self, _request: web.Request) -> web.Response:
        """Reads functions and event sources anew, after something was changed past the proxy."""
        self._host.refresh()
        await self._pollers.refresh()
        return web.json_response({"event_sources": self._pollers.snapshot()})

    async def redeploy(self, _request: web.Request) -> web.Response:
        """Lets every function start anew, as after a deployment: what a copy has read once it would go on with."""
        return web.json_response({"copies": self._host.redeploy()})

    async def unknown(self, request: web.Request) -> web.Response:
        """Anything else below `/_berth/` is a mistake, not an AWS call."""
        return web.json_response({"error": f"the gateway has no {request.method} {request.path}"}, status=404)


def _since(request: web.Request) -> int:
    text = request.query.get("since", "0")
    return int(text) if text.isdigit() else 0


def _bad(message: str) -> web.Response:
    return web.json_response({"error": message}, status=400)

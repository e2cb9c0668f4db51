"""An imitation of Jenkins with its SSE gateway on loopback, as its source code has it; it does what a test tells it."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web

COOKIE = "JSESSIONID.0a1b2c3d"
ENDED = {
    "jenkins_channel": "job",
    "jenkins_event": "job_run_ended",
    "job_name": "build",
    "job_run_status": "FAILURE",
}


@dataclass
class Dispatcher:
    """What the gateway keeps for one client of one session."""

    id: str
    channels: set[str] = field(default_factory=set)
    waiting: list[bytes] = field(default_factory=list)
    """What could not be sent; it is when the client listens again."""
    response: web.StreamResponse | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Jenkins:
    """The server, and what was asked of it."""

    prefix: str = ""
    has_crumbs: bool = True
    wants_crumb: bool = False
    """As older versions of the gateway do for `configure`."""
    is_strict: bool = False
    """Whether `listen` refuses those it does not know; the real one makes a dispatcher without subscriptions."""
    authorization: str | None = None
    """Without this header everything is forbidden."""
    loses_cookie: bool = False
    """Whether it forgets every session at once."""
    answers: dict[str, web.Response] = field(default_factory=dict)
    """What to answer to a step instead, by its name; each once."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """What to wait for before a step, by its name."""
    asked: list[str] = field(default_factory=list)
    """The steps, by their names."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    sessions: dict[str, dict[str, Dispatcher]] = field(default_factory=dict)
    origin: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def root(self) -> str:
        return self.origin + self.prefix

    def url(self, client_id: str = "desk") -> str:
        return f"{self.root}/sse-gateway/listen/{client_id}"

    @property
    def dispatchers(self) -> list[Dispatcher]:
        return [each for session in self.sessions.values() for each in session.values()]

    async def wait_for_steps(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.asked) >= count)

    async def wait_until_subscribed(self) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: any(each.channels and each.response for each in self.dispatchers))

    async def run_ended(self, number: int, *, status: str = "FAILURE") -> None:
        """A build is over."""
        data = ENDED | {"job_run_status": status, "jenkins_object_url": f"job/build/{number}/"}
        for dispatcher in self.dispatchers:
            if "job" in dispatcher.channels:
                await self._dispatch(dispatcher, "job", data)

    async def time_out(self) -> None:
        """End all responses in good order, as it does after 30 seconds."""
        for dispatcher in self.dispatchers:
            dispatcher.response = None
            dispatcher.ended.set()

    async def restart(self) -> None:
        """Forget everything."""
        old, self.sessions = self.dispatchers, {}
        for dispatcher in old:
            dispatcher.ended.set()

    async def _dispatch(self, dispatcher: Dispatcher, name: str, data: object) -> None:
        block = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
        if dispatcher.response is None:
            dispatcher.waiting.append(block)
        else:
            await dispatcher.response.write(block)

    def _session(self, request: web.Request) -> tuple[str, dict[str, Dispatcher]]:
        name = request.cookies.get(COOKIE, "")
        if name not in self.sessions:
            name = secrets.token_hex(4)
            self.sessions[name] = {}
        session = self.sessions[name]
        if self.loses_cookie:
            del self.sessions[name]
        return name, session

    async def _step(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(self.prefix)
        step = "crumb" if path.startswith("/crumbIssuer/") else path.split("/")[2] if path.count("/") > 1 else path
        self.asked.append(step)
        self.headers.append(request.headers)
        self.queries.append(request.query_string)
        async with self.changed:
            self.changed.notify_all()
        if step in self.gates:
            await self.gates[step].wait()
        if self.authorization is not None and request.headers.get("Authorization") != self.authorization:
            return web.Response(status=403)
        if step in self.answers:
            return self.answers.pop(step)
        if not request.path.startswith(self.prefix + "/"):
            return web.Response(status=404)
        match step, request.method:
            case "crumb", "GET":
                return self._crumb(request)
            case "connect", "GET":
                return self._connect(request)
            case "listen", "GET":
                return await self._listen(request, path.rpartition("/")[2])
            case "configure", "POST":
                return await self._configure(request)
        return web.Response(status=404)

    def _crumb(self, request: web.Request) -> web.Response:
        if not self.has_crumbs:
            return web.Response(status=404)
        name, _ = self._session(request)
        response = web.json_response({"crumb": f"crumb-{name}", "crumbRequestField": "Jenkins-Crumb"})
        response.set_cookie(COOKIE, name, httponly=True, path=self.prefix or "/")
        return response

    def _connect(self, request: web.Request) -> web.Response:
        name, session = self._session(request)
        client_id = request.query["clientId"]
        if client_id in session:
            session[client_id].channels.clear()
        else:
            session[client_id] = Dispatcher(client_id)
        response = web.json_response({"status": "ok"})
        response.set_cookie(COOKIE, name, httponly=True, path=self.prefix or "/")
        return response

    async def _listen(self, request: web.Request, client_id: str) -> web.StreamResponse:
        name, session = self._session(request)
        if client_id not in session:
            if self.is_strict:
                return web.Response(status=403)
            session[client_id] = Dispatcher(client_id)
        dispatcher = session[client_id]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream;charset=UTF-8"})
        response.set_cookie(COOKIE, name, httponly=True, path=self.prefix or "/")
        await response.prepare(request)
        dispatcher.ended = asyncio.Event()
        dispatcher.response = response
        await self._dispatch(dispatcher, "open", {"dispatcherId": client_id, "dispatcherInst": id(dispatcher)})
        waiting, dispatcher.waiting = dispatcher.waiting, []
        for block in waiting:
            await response.write(block)
        await dispatcher.ended.wait()
        return response

    async def _configure(self, request: web.Request) -> web.Response:
        name, session = self._session(request)
        if request.content_type != "application/json":
            return web.Response(status=403)
        if self.wants_crumb and request.headers.get("Jenkins-Crumb") != f"crumb-{name}":
            return web.Response(status=403, text="No valid crumb was included in the request")
        asked = await request.json()
        dispatcher = session.get(asked["dispatcherId"])
        if dispatcher is None:
            return web.json_response({"status": "error", "message": "Unknown SSE event dispatcher"})
        dispatcher.channels |= {each["jenkins_channel"] for each in asked["subscribe"]}
        await self._dispatch(dispatcher, "configure", {"batchId": request.query["batchId"]})
        async with self.changed:
            self.changed.notify_all()
        return web.json_response({"status": "ok"})


@contextlib.asynccontextmanager
async def serving(jenkins: Jenkins) -> AsyncIterator[Jenkins]:
    """Let it listen on loopback."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", jenkins._step)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        jenkins.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield jenkins
    finally:
        await jenkins.restart()
        await runner.cleanup()

"""The import drawing, as a test: arrows go one way, and each side effect has one owner."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    path.relative_to(ROOT) for package in ("notifier", "server") for path in (ROOT / package).rglob("*.py")
)

PURE = {
    "notifier/errors.py",
    "notifier/language.py",
    "notifier/notification.py",
    "notifier/environment.py",
    "notifier/secret.py",
    "notifier/proxy.py",
    "notifier/lines.py",
    "notifier/complaint.py",
    "notifier/hours.py",
    "notifier/stream.py",
    "notifier/appearance.py",
    "notifier/resume.py",
    "notifier/moment.py",
    "notifier/config.py",
    "notifier/sse.py",
    "notifier/address.py",
    "notifier/observation.py",
    "notifier/finding.py",
    "notifier/refusal.py",
    "notifier/rhythm.py",
    "notifier/diagnosis.py",
    "notifier/deskcheck.py",
    "notifier/checkup.py",
    "notifier/recording.py",
    "notifier/sample.py",
    "notifier/allowance.py",
    "notifier/entry.py",
    "notifier/standing.py",
    "notifier/ourselves.py",
    "notifier/rerun.py",
    "notifier/comparison.py",
    "notifier/past.py",
    "notifier/block.py",
    "notifier/opaque.py",
    "notifier/backoff.py",
    "notifier/exchange.py",
    "notifier/source.py",
    "notifier/handshake.py",
    "notifier/surroundings.py",
    "notifier/payload.py",
    "notifier/plaintext.py",
    "notifier/vocabulary.py",
    "notifier/wording.py",
    "notifier/shape.py",
    "notifier/markup.py",
    "notifier/sandbox.py",
    "notifier/template.py",
    "notifier/condition.py",
    "notifier/stamp.py",
    "notifier/adornment.py",
    "notifier/speech.py",
    "notifier/notation.py",
    "notifier/memory.py",
    "notifier/default.py",
    "notifier/duration.py",
    "notifier/rule.py",
    "notifier/preset.py",
    "notifier/item.py",
    "notifier/habit.py",
    "notifier/judge.py",
    "notifier/recognition.py",
    "notifier/rules.py",
    "notifier/flood.py",
    "notifier/lane.py",
    "notifier/quiet.py",
    "notifier/window.py",
    "notifier/schema.py",
    "notifier/status.py",
    "notifier/historypage.py",
    "notifier/cli/wrap.py",
    "notifier/picture/__init__.py",
    "notifier/picture/reach.py",
    "notifier/desktop/bubble.py",
    "notifier/desktop/desk.py",
    "notifier/desktop/text.py",
    "notifier/tray/face.py",
    "notifier/tray/label.py",
    "notifier/tray/menu.py",
    "notifier/autostart/entry.py",
    "server/wire.py",
    "server/audience.py",
    "server/auth.py",
    "server/intake.py",
    "server/limit.py",
    "server/origin.py",
    "server/subscription.py",
    "server/view.py",
}
IMPURE_LIBRARIES = {
    "asyncio",
    "aiohttp",
    "sqlite3",
    "time",
    "os",
    "random",
    "threading",
    "socket",
    "subprocess",
}

OWNERS = {
    "aiohttp": {
        "notifier/client.py",
        "notifier/picture/download.py",
        "notifier/replay.py",
        "notifier/transport.py",
        "notifier/witness.py",
        "server/access.py",
        "server/body.py",
        "server/cli/serve.py",
        "server/page.py",
        "server/site.py",
        "server/web.py",
    },
    "filelock": {"notifier/configfile.py", "server/tokens.py"},
    "yarl": {"notifier/transport.py"},
    "ssl": {"notifier/tls.py", "notifier/transport.py", "notifier/witness.py", "server/web.py", "server/cli/serve.py"},
    "tomllib": {"notifier/preset.py", "notifier/config.py", "notifier/lines.py", "notifier/complaint.py"},
    "sqlite3": {
        "notifier/ailment.py",
        "notifier/database.py",
        "notifier/history.py",
        "notifier/kept.py",
        "notifier/remembered.py",
        "notifier/retention.py",
        "notifier/store.py",
        "notifier/waiting.py",
        "server/eventlog/logfile.py",
        "server/eventlog/sqlite.py",
    },
    "threading": {"notifier/loop.py", "notifier/patience.py", "notifier/tray", "server/eventlog/sqlite.py"},
    "redis": {"server/eventlog/redis.py"},
    "prometheus_client": {"server/crew.py", "server/metrics.py"},
    "pystray": {"notifier/tray"},
    "winreg": {"notifier/autostart/registry.py"},
    "PIL": {"notifier/desktop/portal.py", "notifier/desktop/trial.py", "notifier/picture/drawing.py", "notifier/tray"},
    "dbus_fast": {"notifier/desktop", "notifier/lookout.py", "notifier/tray"},
    "desktop_notifier": {"notifier/desktop/native.py", "notifier/desktop/survey.py"},
    "plyer": {"notifier/desktop/plyer.py"},
    "typer": {"notifier/cli", "server/cli"},
    "jinja2": {"notifier/sandbox.py", "notifier/template.py"},
    "rich": {"notifier/cli", "server/cli"},
}

LANGUAGE = {"notifier.language"}
"""Whoever says something to a person may say it in the person's language."""
WORDS = {"notifier.payload", "notifier.plaintext", "notifier.vocabulary", "notifier.wording"}
SETTINGS = {"notifier.environment", "notifier.secret", "notifier.proxy"}
VALUES = {"notifier", "notifier.errors", "notifier.notification"}
MAY_IMPORT = {
    "notifier/language.py": set(),
    "notifier/errors.py": set(),
    "notifier/notification.py": set(),
    "notifier/moment.py": {"notifier.errors"},
    "notifier/sse.py": set(),
    "notifier/environment.py": set(),
    "notifier/secret.py": {"notifier.environment"},
    "notifier/proxy.py": {"notifier.environment", "notifier.secret"},
    "notifier/lines.py": set(),
    "notifier/complaint.py": {"notifier.lines"},
    "notifier/hours.py": set(),
    "notifier/resume.py": {"notifier", "notifier.payload", "notifier.sse", "notifier.template"},
    "notifier/stream.py": {
        "notifier.complaint",
        "notifier.duration",
        "notifier.errors",
        "notifier.hours",
        "notifier.resume",
        "notifier.rule",
        "notifier.template",
    }
    | SETTINGS,
    "notifier/appearance.py": {"notifier.stream"} | SETTINGS,
    "notifier/config.py": {
        "notifier.appearance",
        "notifier.complaint",
        "notifier.errors",
        "notifier.lines",
        "notifier.preset",
        "notifier.stream",
    }
    | SETTINGS,
    "notifier/backoff.py": set(),
    "notifier/observation.py": set(),
    "notifier/opaque.py": set(),
    "notifier/finding.py": set(),
    "notifier/rhythm.py": {"notifier.observation"},
    "notifier/refusal.py": {"notifier.finding", "notifier.observation", "notifier.opaque"},
    "notifier/diagnosis.py": {"notifier.finding", "notifier.observation", "notifier.refusal", "notifier.rhythm"},
    "notifier/block.py": {"notifier.opaque", "notifier.stream"},
    "notifier/comparison.py": {"notifier.notification", "notifier.sample", "notifier.sse"},
    "notifier/allowance.py": set(),
    "notifier/keeper.py": {"notifier", "notifier.allowance", "notifier.kept", "notifier.recording", "notifier.sse"},
    "notifier/entry.py": {"notifier.notification"},
    "notifier/waiting.py": {"notifier.entry", "notifier.history", "notifier.notification"},
    "notifier/ourselves.py": VALUES | {"notifier.plaintext"},
    "notifier/standing.py": {"notifier.entry", "notifier.notification", "notifier.quiet", "notifier.status"},
    "notifier/kept.py": {"notifier.database", "notifier.history", "notifier.schema"},
    "notifier/rerun.py": {
        "notifier.comparison",
        "notifier.kept",
        "notifier.exchange",
        "notifier.line",
        "notifier.memory",
        "notifier.sample",
        "notifier.sse",
    },
    "notifier/past.py": {"notifier.comparison", "notifier.history", "notifier.kept", "notifier.sample", "notifier.sse"},
    "notifier/witness.py": {
        "notifier.errors",
        "notifier.observation",
        "notifier.proxy",
        "notifier.stream",
        "notifier.tls",
        "notifier.transport",
    },
    "notifier/address.py": {"notifier.proxy", "notifier.stream"},
    "notifier/handshake.py": {
        "notifier",
        "notifier.address",
        "notifier.errors",
        "notifier.exchange",
        "notifier.payload",
        "notifier.preset",
        "notifier.sse",
        "notifier.template",
    },
    "notifier/exchange.py": {"notifier"},
    "notifier/source.py": {
        "notifier",
        "notifier.exchange",
        "notifier.address",
        "notifier.backoff",
        "notifier.config",
        "notifier.errors",
        "notifier.preset",
        "notifier.resume",
        "notifier.sse",
        "notifier.stream",
    },
    "notifier/configfile.py": {
        "notifier.config",
        "notifier.errors",
        "notifier.preset",
        "notifier.presetfile",
        "notifier.presets",
    },
    "notifier/vault.py": {"notifier.errors", "notifier.secret"},
    "notifier/tls.py": {"notifier.errors", "notifier.stream"},
    "notifier/transport.py": {
        "notifier.errors",
        "notifier.exchange",
        "notifier.proxy",
        "notifier.secret",
        "notifier.stream",
        "notifier.tls",
        "notifier.vault",
    },
    "notifier/client.py": {
        "notifier.body",
        "notifier.errors",
        "notifier.exchange",
        "notifier.handshake",
        "notifier.source",
        "notifier.sse",
        "notifier.transport",
    },
    "notifier/body.py": set(),
    "notifier/surroundings.py": set(),
    "notifier/lookout.py": {"notifier.surroundings"},
    "notifier/payload.py": set(),
    "notifier/plaintext.py": VALUES,
    "notifier/vocabulary.py": VALUES,
    "notifier/wording.py": VALUES | {"notifier.payload", "notifier.plaintext", "notifier.vocabulary"},
    "notifier/shape.py": VALUES | {"notifier.payload", "notifier.plaintext", "notifier.vocabulary", "notifier.wording"},
    "notifier/markup.py": set(),
    "notifier/sandbox.py": {"notifier.markup", "notifier.payload", "notifier.wording", "notifier"},
    "notifier/template.py": VALUES | {"notifier.sandbox"},
    "notifier/condition.py": set(),
    "notifier/stamp.py": set(),
    "notifier/adornment.py": VALUES | WORDS | {"notifier.stamp"},
    "notifier/default.py": VALUES | WORDS | {"notifier.adornment", "notifier.sse", "notifier.shape"},
    "notifier/notation.py": VALUES,
    "notifier/memory.py": VALUES | {"notifier.condition", "notifier.notation", "notifier.payload"},
    "notifier/remembered.py": {"notifier.memory", "notifier.schema"},
    "notifier/forward.py": VALUES | {"notifier.patience", "notifier.secret", "notifier.vault"},
    "notifier/command.py": VALUES | {"notifier.plaintext"},
    "notifier/speech.py": VALUES
    | WORDS
    | {"notifier.adornment", "notifier.rule", "notifier.stamp", "notifier.template"},
    "notifier/duration.py": set(),
    "notifier/rule.py": VALUES | {"notifier.duration", "notifier.template", "notifier.vocabulary"},
    "notifier/preset.py": VALUES | {"notifier.complaint", "notifier.duration", "notifier.lines", "notifier.rule"},
    "notifier/presetfile.py": VALUES | {"notifier.preset"},
    "notifier/presets": VALUES | {"notifier.preset"},
    "notifier/item.py": {"notifier.payload", "notifier.preset", "notifier.sse", "notifier"},
    "notifier/habit.py": WORDS,
    "notifier/recognition.py": {"notifier.payload", "notifier.preset", "notifier.sse", "notifier.template", "notifier"},
    "notifier/judge.py": VALUES
    | WORDS
    | {"notifier.condition", "notifier.memory", "notifier.rule", "notifier.speech", "notifier.template"},
    "notifier/rules.py": VALUES
    | WORDS
    | {
        "notifier.sse",
        "notifier.default",
        "notifier.habit",
        "notifier.item",
        "notifier.judge",
        "notifier.memory",
        "notifier.preset",
        "notifier.rule",
        "notifier.speech",
        "notifier.template",
    },
    "notifier/flood.py": VALUES | {"notifier.lane", "notifier.plaintext"},
    "notifier/lane.py": VALUES | {"notifier.plaintext", "notifier.window"},
    "notifier/window.py": set(),
    "notifier/quiet.py": {"notifier.hours"},
    "notifier/schema.py": set(),
    "notifier/ailment.py": {"notifier.errors"},
    "notifier/patience.py": set(),
    "notifier/deskcheck.py": {"notifier.desktop.desk", "notifier.finding"},
    "notifier/checkup.py": {"notifier.deskcheck", "notifier.desktop.desk", "notifier.errors", "notifier.finding"},
    "notifier/database.py": {"notifier.ailment", "notifier.errors", "notifier.schema"},
    "notifier/history.py": VALUES | {"notifier.entry", "notifier.notation", "notifier.schema", "notifier.database"},
    "notifier/outbox.py": VALUES
    | {
        "notifier.desktop",
        "notifier.entry",
        "notifier.flood",
        "notifier.lane",
        "notifier.quiet",
        "notifier.store",
        "notifier.stream",
    },
    "notifier/following.py": {
        "notifier.client",
        "notifier.errors",
        "notifier.line",
        "notifier.sse",
        "notifier.stream",
        "notifier.surroundings",
        "notifier.transport",
    },
    "notifier/inbox.py": VALUES | {"notifier.entry", "notifier.status", "notifier.store"},
    "notifier/retention.py": {"notifier.entry"},
    "notifier/store.py": VALUES
    | {
        "notifier.database",
        "notifier.entry",
        "notifier.history",
        "notifier.keeper",
        "notifier.kept",
        "notifier.memory",
        "notifier.notation",
        "notifier.remembered",
        "notifier.resume",
        "notifier.retention",
        "notifier.schema",
        "notifier.sse",
        "notifier.waiting",
    },
    "notifier/status.py": {"notifier.notification", "notifier.source"},
    "notifier/stage.py": VALUES
    | {
        "notifier.desktop",
        "notifier.entry",
        "notifier.outbox",
        "notifier.picture",
        "notifier.sample",
        "notifier.store",
        "notifier.stream",
    },
    "notifier/picture/__init__.py": set(),
    "notifier/picture/reach.py": set(),
    "notifier/picture/drawing.py": {"notifier.picture"},
    "notifier/picture/download.py": VALUES
    | {"notifier.address", "notifier.exchange", "notifier.picture", "notifier.stream", "notifier.transport"},
    "notifier/picture/gallery.py": VALUES | {"notifier.picture", "notifier.stream"},
    "notifier/desktop": VALUES | {"notifier.desktop", "notifier.picture"},
    "notifier/loop.py": set(),
    "server/page.py": set(),
    "notifier/autostart": {"notifier.autostart", "notifier.desktop", "notifier.errors"},
    "notifier/clipboard.py": {"notifier.desktop", "notifier.errors"},
    "notifier/opener.py": {"notifier.desktop", "notifier.errors"},
    "notifier/historypage.py": {"notifier.entry", "notifier.history", "notifier.notification"},
    "notifier/errands.py": VALUES
    | {
        "notifier.autostart",
        "notifier.clipboard",
        "notifier.configfile",
        "notifier.desktop.link",
        "notifier.history",
        "notifier.historypage",
        "notifier.opener",
        "notifier.plaintext",
        "notifier.status",
    },
    "notifier/tray": VALUES
    | {"notifier.appearance", "notifier.loop", "notifier.status", "notifier.source", "notifier.tray"},
}
"""What a module of ours may import of ours; a module not named here may import everything below `cli`."""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names if is_module(node.module, name.name)}
    return found


def is_module(package: str, name: str) -> bool:
    path = ROOT.joinpath(*package.split("."), name)
    return path.with_suffix(".py").exists() or path.is_dir()


def owned_by(path: Path, owners: set[str]) -> bool:
    return any(path.as_posix() == owner or path.as_posix().startswith(owner + "/") for owner in owners)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_pure_modules_know_neither_time_nor_chance_nor_the_world(path: Path) -> None:
    if path.as_posix() in PURE:
        assert not {name.split(".")[0] for name in imports(path)} & IMPURE_LIBRARIES


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_each_side_effect_has_one_owner(path: Path) -> None:
    for library in {name.split(".")[0] for name in imports(path)} & OWNERS.keys():
        assert owned_by(path, OWNERS[library]), f"{library} does not belong in {path}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_arrows_go_one_way(path: Path) -> None:
    ours = {name for name in imports(path) if name.split(".")[0] in ("notifier", "server")}
    package = path.parts[0]
    if path.as_posix() != "notifier/cli/run.py":
        assert not {name for name in ours if name.split(".")[0] != package}, "the packages meet on the wire"
    if "cli" not in (*path.parts, path.stem) and path.stem != "__main__":
        assert not {name for name in ours if "cli" in name.split(".")}, "nothing imports the command line"
    for rule, allowed in MAY_IMPORT.items():
        if owned_by(path, {rule}):
            strangers = {name for name in ours if not any(is_below(name, root) for root in allowed | LANGUAGE)}
            assert not strangers, f"{path} must not import {strangers}"


def is_below(name: str, root: str) -> bool:
    return name == root or (root != "notifier" and name.startswith(root + "."))


def test_every_pure_module_named_here_exists_or_is_still_to_come() -> None:
    known = {path.as_posix() for path in MODULES}
    assert {"notifier/errors.py", "notifier/notification.py"} <= known & PURE


def test_only_the_command_line_prints() -> None:
    for path in MODULES:
        tree = ast.parse((ROOT / path).read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        prints = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        assert not prints or "cli" in (*path.parts, path.stem), f"{path} prints"


def test_the_map_names_each_module_once() -> None:
    _, notifier, server = (ROOT / "docs" / "map.md").read_text().split("\n## ")
    for package, text in (("notifier", notifier), ("server", server)):
        named = sorted(name for name in re.findall(r"`([\w/]+)`", text))
        modules = (path.relative_to(package).with_suffix("") for path in MODULES if path.parts[0] == package)
        assert named == sorted(path.as_posix() for path in modules if not path.name.startswith("__"))

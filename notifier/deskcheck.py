"""What a desktop can show in, findings out: are there display, bus, tray and bubbles, and how to get them.  Pure."""

from collections.abc import Iterator

from notifier.desktop.desk import TIMEOUT, Desk
from notifier.finding import Finding, Level
from notifier.language import _


def examine_desk(desk: Desk) -> list[Finding]:
    """A finding for each matter, in the order of what depends on what."""
    if not desk.is_linux:
        return [_system_tray(desk), _system_bubbles(desk)]
    checks = [_display, _bus]
    if desk.has_bus and not desk.bus_problem:
        checks += [_tray, _portal if desk.is_sandboxed else _daemon]
    return [finding for check in checks for finding in check(desk)]


def _system_tray(desk: Desk) -> Finding:
    is_windows = desk.system == "Windows"
    hidden = _("Windows may keep a new one behind the arrow beside the clock; it can be drawn out of there")
    return Finding(
        Level.FINE, "tray", _("tray icons are shown by {name}", name=desk.system), hidden if is_windows else ""
    )


def _system_bubbles(desk: Desk) -> Finding:
    if desk.system_problem and desk.has_plyer:
        instead = _("plyer shows plain notifications instead, which cannot be clicked")
        return Finding(Level.NOTE, "bubbles", desk.system_problem, instead)
    if desk.system_problem:
        waiting = _("notifications wait in the history; where there is a terminal, they are shown in it")
        return Finding(Level.WRONG, "bubbles", desk.system_problem, waiting)
    if desk.may_show is False:
        return Finding(
            Level.WRONG,
            "bubbles",
            _("{name} is set to show no notifications of this program", name=desk.system),
            _("until then notifications wait in the history"),
            _("allow them in its settings, under Notifications"),
        )
    unknown = _("whether it may show them is told in its settings, under Notifications")
    return Finding(
        Level.FINE,
        "bubbles",
        _("bubbles are shown by {name}", name=desk.system),
        unknown if desk.may_show is None else "",
    )


def _display(desk: Desk) -> Iterator[Finding]:
    name = _("Wayland ({name})", name=desk.wayland) if desk.wayland else _("X11 ({name})", name=desk.x11)
    if not desk.wayland and not desk.x11:
        yield Finding(
            Level.NOTE,
            "display",
            _("there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set"),
            _("notifications are shown in the terminal"),
            _("start it in a desktop session"),
        )
    elif not desk.display_answers:
        yield Finding(
            Level.WRONG,
            "display",
            _("the display {name} does not answer", name=name),
            _("the variable may be left over from a session that has ended"),
            _("start it in a desktop session"),
        )
    else:
        where = f", {desk.environment}" if desk.environment else ""
        yield Finding(Level.FINE, "display", _("the display is {name}{where}", name=name, where=where))


def _bus(desk: Desk) -> Iterator[Finding]:
    if not desk.has_bus:
        yield Finding(
            Level.WRONG,
            "bus",
            _("there is no session bus"),
            _("bubbles and the tray icon both need one"),
            _("start it in a desktop session, or with dbus-run-session (Debian package dbus)"),
        )
    elif desk.bus_problem == TIMEOUT:
        yield Finding(
            Level.WRONG,
            "bus",
            _("the session bus does not answer"),
            _("bubbles and the tray icon both need one"),
            _("log out and in again"),
        )
    elif desk.bus_problem:
        yield Finding(
            Level.WRONG,
            "bus",
            _("the session bus cannot be reached ({why})", why=desk.bus_problem),
            _("DBUS_SESSION_BUS_ADDRESS may be left over from a session that has ended"),
            _("start it in a desktop session"),
        )
    else:
        yield Finding(Level.FINE, "bus", _("the session bus answers"))


def _tray(desk: Desk) -> Iterator[Finding]:
    if desk.has_watcher and desk.has_host:
        yield Finding(Level.FINE, "tray", _("the desktop shows tray icons"))
        return
    if desk.watcher_problem:
        yield Finding(
            Level.WRONG,
            "tray",
            _("what shows tray icons is there and does not answer"),
            _("notifications come all the same; the icon appears as soon as something shows it"),
            _("restart the panel, or log out and in again"),
        )
        return
    is_gnome = "gnome" in desk.environment.lower()
    todo = _("add a status tray to the panel: in Xfce the plugin “Status Tray”, in LXQt “Status Notifier”; sway and"
             " others have one in waybar")  # fmt: skip
    if is_gnome:
        todo = _("GNOME shows none by itself: install the extension “AppIndicator and KStatusNotifierItem Support”"
                 " (Debian: gnome-shell-extension-appindicator), switch it on, and log in anew")  # fmt: skip
    yield Finding(
        Level.NOTE,
        "tray",
        _("nothing shows tray icons here"),
        _("notifications come all the same; the icon appears as soon as something shows it"),
        todo,
    )


def _portal(desk: Desk) -> Iterator[Finding]:
    if desk.portal is not None:
        told = _("bubbles are shown by the notification portal, version {version}", version=desk.portal)
        yield Finding(Level.FINE, "portal", told)
        return
    is_slow = desk.portal_problem == TIMEOUT
    yield Finding(
        Level.NOTE if desk.daemon else Level.WRONG,
        "portal",
        _("the notification portal does not answer") if is_slow else _("no notification portal answers"),
        _("until it does, bubbles are shown by {name}", name=desk.daemon)
        if desk.daemon
        else _("notifications wait in the history; where there is a terminal, they are shown in it"),
        _("restart it, outside of this sandbox: systemctl --user restart xdg-desktop-portal")
        if is_slow
        else _("install, outside of this sandbox, xdg-desktop-portal and what belongs to your desktop, such as"
               " xdg-desktop-portal-gtk"),
    )  # fmt: skip
    # To install a daemon would be of no use where the sandbox keeps it out of reach.
    if desk.daemon:
        yield from _daemon(desk)


def _daemon(desk: Desk) -> Iterator[Finding]:
    if not desk.daemon:
        is_slow = desk.daemon_problem == TIMEOUT
        yield Finding(
            Level.WRONG,
            "daemon",
            _("the notification daemon does not answer") if is_slow else _("no notification daemon answers"),
            _("notifications wait in the history; where there is a terminal, they are shown in it"),
            _("restart it") if is_slow else _("install one, such as dunst; a desktop brings one of its own"),
        )
        return
    if desk.is_inhibited:
        yield Finding(
            Level.NOTE,
            "daemon",
            _("{name} has Do Not Disturb on", name=desk.daemon),
            _("it takes bubbles and shows none"),
            _("switch it off in the desktop's settings"),
        )
    able = ", ".join(sorted(desk.capabilities)) or "-"
    yield Finding(
        Level.FINE, "daemon", _("bubbles are shown by {name}", name=desk.daemon), _("it can: {able}", able=able)
    )

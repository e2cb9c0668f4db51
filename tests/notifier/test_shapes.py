"""Objects that no preset knows: what a person would pick of them, and how often the mapping picks the same.

The shapes are small reconstructions of what public APIs and programs send.  Each line of the table is a shape and what
is wanted: title, body (a part of it, where the rest is a matter of taste), urgency and link.
"""

import json
import sys
from typing import NamedTuple

from notifier.default import decide
from notifier.notification import Notification, Urgency
from notifier.sse import Event

LOW, NORMAL, CRITICAL = Urgency
ATLEAST = 0.9


class Wanted(NamedTuple):
    title: str
    body: str = ""
    """A part of the body; an empty one must be empty."""
    urgency: Urgency = NORMAL
    link: str | None = None


U = "https://x.example/1"
SHAPES: dict[str, tuple[dict[str, object], Wanted]] = {
    "GitHub pull request": (
        {
            "action": "opened",
            "number": 5,
            "pull_request": {"url": "https://api.github.com/x", "html_url": U, "title": "Add door", "body": "Opens."},
            "repository": {"name": "r", "full_name": "o/r", "html_url": "https://github.com/o/r"},
            "sender": {"login": "ann", "html_url": "https://github.com/ann"},
        },
        Wanted("Add door", "Opens.", link=U),
    ),
    "GitHub release": (
        {"action": "published", "release": {"name": "v2.0", "tag_name": "v2", "html_url": U, "body": "Faster"}},
        Wanted("v2.0", "Faster", link=U),
    ),
    "GitHub workflow run": (
        {
            "action": "completed",
            "workflow_run": {"name": "CI", "conclusion": "failure", "html_url": U, "head_branch": "main"},
        },
        Wanted("CI", "failure", link=U),
    ),
    "GitHub star": (
        {"action": "created", "repository": {"full_name": "o/r", "html_url": U}, "sender": {"login": "ann"}},
        Wanted("o/r", "created", link=U),
    ),
    "GitLab issue": (
        {
            "object_kind": "issue",
            "user": {"name": "Ann", "username": "ann", "avatar_url": "https://x.example/a.png"},
            "project": {"name": "Shop", "web_url": "https://gitlab.example/shop"},
            "object_attributes": {"title": "Broken cart", "description": "500", "url": U, "action": "open"},
        },
        Wanted("Broken cart", "500", link=U),
    ),
    "GitLab pipeline": (
        {
            "object_kind": "pipeline",
            "object_attributes": {"id": 31, "ref": "main", "status": "failed", "url": U},
            "project": {"name": "Shop", "web_url": "https://gitlab.example/shop"},
            "commit": {"message": "Fix cart", "url": "https://gitlab.example/c/1"},
        },
        Wanted("Shop", "Fix cart", link=U),
    ),
    "Bitbucket pull request": (
        {
            "actor": {"display_name": "Ann", "links": {"html": {"href": "https://bb.example/ann"}}},
            "pullrequest": {"title": "Add door", "description": "It opens.", "links": {"html": {"href": U}}},
            "repository": {"full_name": "o/r"},
        },
        Wanted("Add door", "It opens.", link=U),
    ),
    "Grafana alert": (
        {
            "title": "[FIRING:1] CPU high",
            "state": "alerting",
            "message": "CPU is 97 %",
            "externalURL": "https://grafana.example/",
            "alerts": [{"labels": {"alertname": "CPU high", "severity": "critical"}, "panelURL": U}],
        },
        Wanted("[FIRING:1] CPU high", "CPU is 97 %", CRITICAL, "https://grafana.example/"),
    ),
    "Grafana legacy alert": (
        {"ruleName": "Disk", "ruleUrl": U, "state": "alerting", "title": "[Alerting] Disk", "message": "90 % full"},
        Wanted("[Alerting] Disk", "90 % full", link=U),
    ),
    "Prometheus alert": (
        {
            "labels": {"alertname": "InstanceDown", "instance": "db1:9100", "severity": "page"},
            "annotations": {"summary": "db1 is down", "description": "no answer for 5 minutes", "runbook_url": U},
            "startsAt": "2026-01-01T00:00:00Z",
        },
        Wanted("InstanceDown", "no answer for 5 minutes", link=U),
    ),
    "Uptime Kuma": (
        {
            "heartbeat": {"monitorID": 1, "status": 0, "time": "2026-01-01", "msg": "timeout", "important": True},
            "monitor": {"id": 1, "name": "Shop", "url": U},
            "msg": "[Shop] [Down] timeout",
        },
        Wanted("Shop", "[Shop] [Down] timeout", link=U),
    ),
    "Healthchecks": (
        {"name": "backup", "status": "down", "tags": "prod", "last_ping": "2026-01-01T00:00:00Z", "details_url": U},
        Wanted("backup", "down", link=U),
    ),
    "Sentry issue": (
        {
            "action": "created",
            "data": {
                "issue": {"title": "ZeroDivisionError", "culprit": "app.views", "level": "fatal", "permalink": U}
            },
            "actor": {"type": "application", "name": "Sentry"},
        },
        Wanted("ZeroDivisionError", "app.views", CRITICAL, U),
    ),
    "PagerDuty": (
        {
            "event": {
                "event_type": "incident.triggered",
                "data": {"title": "Disk is full", "html_url": U, "urgency": "high", "status": "triggered"},
            }
        },
        Wanted("Disk is full", "triggered", link=U),
    ),
    "Opsgenie": (
        {"action": "Create", "alert": {"message": "CPU high", "priority": "P1", "description": "97 %", "tags": ["x"]}},
        Wanted("CPU high", "97 %", CRITICAL),
    ),
    "Zabbix": (
        {"name": "Free space low", "severity": "Disaster", "host": "db1", "event_value": "1", "opdata": "3 %"},
        Wanted("Free space low", "db1", CRITICAL),
    ),
    "Nagios": (
        {"host": "db1", "service": "disk", "state": "CRITICAL", "output": "DISK CRITICAL - 3 % free"},
        Wanted("ci", "DISK CRITICAL - 3 % free"),
    ),
    "Datadog": (
        {"title": "CPU high on web1", "body": "97 % for 5 minutes", "priority": "normal", "url": U, "type": "error"},
        Wanted("CPU high on web1", "97 % for 5 minutes", link=U),
    ),
    "New Relic": (
        {"title": "Apdex low", "priority": "CRITICAL", "state": "ACTIVATED", "issueUrl": U, "sources": ["newrelic"]},
        Wanted("Apdex low", "ACTIVATED", CRITICAL, U),
    ),
    "AWS CloudWatch alarm": (
        {"AlarmName": "cpu-high", "NewStateValue": "ALARM", "NewStateReason": "Threshold crossed", "Region": "eu"},
        Wanted("cpu-high", "Threshold crossed"),
    ),
    "AWS SNS": (
        {"Type": "Notification", "MessageId": "22b8", "Subject": "Backup", "Message": "done", "UnsubscribeURL": U},
        Wanted("Backup", "done"),
    ),
    "AWS EventBridge": (
        {"version": "0", "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification",
         "detail": {"instance-id": "i-1", "state": "stopped"}},
        Wanted("EC2 Instance State-change Notification", "stopped"),
    ),
    "Azure Monitor": (
        {"data": {"essentials": {"alertRule": "CPU", "severity": "Sev0", "monitorCondition": "Fired",
                                 "description": "CPU over 90 %"}}},
        Wanted("CPU", "CPU over 90 %", CRITICAL),
    ),
    "Google Cloud Monitoring": (
        {"incident": {"summary": "CPU is above 0.9", "state": "open", "url": U, "policy_name": "CPU",
                      "severity": "Critical"}},
        Wanted("CPU is above 0.9", "open", CRITICAL, U),
    ),
    "CloudEvents": (
        {"specversion": "1.0", "type": "order_created", "source": "/shop", "id": "A1",
         "data": {"number": 7, "total": 12.5}},
        Wanted("Order created", "number: 7 · total: 12.5"),
    ),
    "JSON:API": (
        {"data": {"type": "articles", "id": "1", "attributes": {"title": "Hello", "body": "World"},
                  "links": {"self": "https://x.example/api/1"}}},
        Wanted("Hello", "World"),
    ),
    "Stripe": (
        {"id": "evt_1", "object": "event", "type": "invoice.payment_failed",
         "data": {"object": {"id": "in_1", "amount_due": 1200, "currency": "eur", "hosted_invoice_url": U}}},
        Wanted("invoice.payment_failed", "amount due: 1200", link=U),
    ),
    "Shopify": (
        {"id": 1, "name": "#1001", "total_price": "12.50", "currency": "EUR", "order_status_url": U},
        Wanted("#1001", "total price: 12.50", link=U),
    ),
    "Slack message": (
        {"type": "message", "channel": "C1", "user": "U1", "text": "deploy is done", "ts": "1700000000.0001"},
        Wanted("U1", "deploy is done"),
    ),
    "Discord message": (
        {"id": "1", "content": "hello", "author": {"username": "ann", "avatar": "x"}, "channel_id": "2"},
        Wanted("ann", "hello"),
    ),
    "Telegram": (
        {"update_id": 1, "message": {"message_id": 2, "from": {"first_name": "Ann", "username": "ann"},
                                     "chat": {"id": 3, "title": "Family", "type": "group"}, "text": "dinner?"}},
        Wanted("ann", "dinner?"),
    ),
    "Matrix": (
        {"type": "m.room.message", "sender": "@ann:x.example", "content": {"body": "hello", "msgtype": "m.text"}},
        Wanted("@ann:x.example", "hello"),
    ),
    "Mattermost": (
        {"username": "ann", "channel": "town-square", "text": "lunch?", "icon_url": "https://x.example/i.png"},
        Wanted("ann", "lunch?"),
    ),
    "IRC bridge": ({"nick": "ann", "channel": "#ops", "msg": "hello"}, Wanted("ann", "hello")),
    "e-mail": (
        {"from": {"name": "Ann", "address": "ann@x.example"}, "to": ["me@x.example"], "subject": "Dinner",
         "snippet": "at 8?"},
        Wanted("Dinner", "at 8?"),
    ),
    "RSS item": (
        {"title": "New release", "link": U, "description": "It is faster", "pubDate": "Thu, 01 Jan 2026", "guid": "x"},
        Wanted("New release", "It is faster", link=U),
    ),
    "Atom entry": (
        {"title": "New release", "summary": "It is faster", "links": [{"rel": "alternate", "href": U}], "id": "tag:x"},
        Wanted("New release", "It is faster", link=U),
    ),
    "Hacker News": (
        {"by": "ann", "id": 8863, "score": 111, "title": "My YC app", "type": "story", "url": U},
        Wanted("My YC app", "ann", link=U),
    ),
    "Reddit": (
        {"kind": "t3", "data": {"title": "Cats", "author": "ann", "permalink": "/r/cats/1", "url": U, "selftext": ""}},
        Wanted("Cats", "ann", link=U),
    ),
    "USGS earthquake": (
        {"type": "Feature", "properties": {"mag": 4.5, "place": "10 km N of Here", "title": "M 4.5 - 10 km N of Here",
                                           "url": U, "tsunami": 0},
         "geometry": {"type": "Point", "coordinates": [1, 2]}},
        Wanted("M 4.5 - 10 km N of Here", "mag: 4.5", link=U),
    ),
    "weather warning": (
        {"event": "Storm warning", "headline": "Storm from 18:00", "severity": "Severe", "description": "Stay in",
         "area": "X"},
        Wanted("Storm from 18:00", "Stay in", CRITICAL),
    ),
    "stock price": ({"symbol": "ACME", "price": 12.5, "change": -0.3}, Wanted("ci", "symbol: ACME · price: 12.5")),
    "sports": (
        {"event": "goal", "home": "A", "away": "B", "score": "2:1", "minute": 63},
        Wanted("Goal", "score: 2:1"),
    ),
    "flight": ({"flight": "LH1", "status": "delayed", "gate": "B12"}, Wanted("ci", "flight: LH1 · status: delayed")),
    "parcel": (
        {"tracking_number": "1Z", "status": "Out for delivery", "carrier": "UPS", "tracking_url": U},
        Wanted("ci", "status: Out for delivery", link=U),
    ),
    "calendar": (
        {"summary": "Dentist", "location": "Main St 1", "start": {"dateTime": "2026-01-01T10:00:00Z"}, "htmlLink": U},
        Wanted("Dentist", "Main St 1", link=U),
    ),
    "to-do": (
        {"event_name": "item:added", "event_data": {"content": "Buy milk", "priority": 1, "url": U}},
        Wanted("item:added", "Buy milk", LOW, U),
    ),
    "Jira issue": (
        {"webhookEvent": "jira:issue_created",
         "issue": {"key": "OPS-1", "self": "https://x.example/rest/1",
                   "fields": {"summary": "Disk full", "priority": {"name": "High"}, "description": "db1"}}},
        Wanted("Disk full", "db1"),
    ),
    "Trello": (
        {"action": {"type": "updateCard", "data": {"card": {"name": "Buy milk", "shortLink": "x"},
                    "board": {"name": "Home"}},
                    "memberCreator": {"fullName": "Ann"}}},
        Wanted("Buy milk", "updateCard"),
    ),
    "Docker event": (
        {"Type": "container", "Action": "die", "Actor": {"Attributes": {"name": "web", "exitCode": "1"}}, "time": 1},
        Wanted("web", "die"),
    ),
    "Kubernetes event": (
        {"type": "Warning", "reason": "BackOff", "message": "Back-off restarting",
         "involvedObject": {"kind": "Pod", "name": "web"}},
        Wanted("web", "Back-off restarting"),
    ),
    "systemd journal": (
        {"PRIORITY": "3", "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": "I/O error", "_HOSTNAME": "db1", "__CURSOR": "s=1"},
        Wanted("kernel", "I/O error"),
    ),
    "GELF": (
        {"version": "1.1", "host": "web1", "short_message": "died", "full_message": "stack", "level": 2},
        Wanted("died", "stack", CRITICAL),
    ),
    "Python logging": (
        {"name": "app.db", "levelname": "ERROR", "msg": "lost connection", "lineno": 12},
        Wanted("app.db", "lost connection"),
    ),
    "Logstash": (
        {"@timestamp": "2026-01-01T00:00:00Z", "@version": "1", "message": "lost connection", "level": "WARN",
         "logger": "db"},
        Wanted("db", "lost connection"),
    ),
    "3D printer": (
        {"topic": "Print Done", "message": "cup.gcode finished", "extra": {"name": "cup.gcode"}, "currentTime": 1},
        Wanted("Print Done", "cup.gcode finished"),
    ),
    "camera": (
        {"type": "new", "after": {"camera": "door", "label": "person", "score": 0.83}},
        Wanted("person", "camera: door"),
    ),
    "zigbee2mqtt": ({"battery": 12, "contact": False, "linkquality": 90}, Wanted("ci", "battery: 12 · contact: no")),
    "Sonarr": (
        {"eventType": "Download", "series": {"title": "The Show"}, "episodes": [{"title": "Pilot", "seasonNumber": 1}]},
        Wanted("The Show", "Pilot"),
    ),
    "backup": (
        {"job": "nightly", "result": "success", "bytes": 123456, "duration": "3m"},
        Wanted("ci", "result: success"),
    ),
    "simple alarm": ({"alarm": "smoke", "room": "kitchen", "critical": True}, Wanted("ci", "alarm: smoke", CRITICAL)),
    "Terraform": (
        {"run_message": "Apply", "run_status": "errored", "run_url": U, "workspace_name": "prod"},
        Wanted("ci", "errored", link=U),
    ),
    "Vercel": (
        {"type": "deployment.error", "payload": {"name": "shop", "url": "shop-x.vercel.app",
         "links": {"deployment": U}}},
        Wanted("shop", "", link=U),
    ),
    "Argo CD": (
        {"app": "shop", "sync": {"status": "OutOfSync"}, "health": {"status": "Degraded"}},
        Wanted("ci", "health status: Degraded"),
    ),
    "Gotify": (
        {"id": 25, "appid": 5, "message": "done", "title": "Backup", "priority": 2, "date": "2026-01-01T00:00:00Z"},
        Wanted("Backup", "done", LOW),
    ),
    "Pushover": (
        {"message": "done", "title": "Backup", "priority": -1, "url": U, "url_title": "More"},
        Wanted("Backup", "done", link=U),
    ),
    "Bugsnag": (
        {"error": {"exceptionClass": "NoMethodError", "message": "undefined x", "severity": "error", "url": U},
         "project": {"name": "App"}},
        Wanted("NoMethodError", "undefined x", link=U),
    ),
    "Statuspage": (
        {"page": {"id": "x"}, "incident": {"name": "API down", "status": "investigating", "shortlink": U}},
        Wanted("API down", "investigating", link=U),
    ),
    "CircleCI": (
        {"type": "workflow-completed", "workflow": {"name": "build", "status": "failed", "url": U},
         "project": {"name": "shop"}},
        Wanted("build", "failed", link=U),
    ),
    "Netlify": (
        {"id": "x", "state": "ready", "name": "shop", "url": U, "title": "Add door", "error_message": None},
        Wanted("Add door", "ready", link=U),
    ),
    "Buildkite": (
        {"event": "build.finished", "build": {"number": 5, "state": "failed", "web_url": U, "message": "Fix"},
         "pipeline": {"name": "shop"}},
        Wanted("shop", "Fix", link=U),
    ),
    "Gerrit": (
        {"type": "comment-added", "author": {"name": "Ann"}, "comment": "Looks good",
         "change": {"subject": "Add door", "url": U}},
        Wanted("Add door", "Looks good", link=U),
    ),
    "Plex": (
        {"event": "media.play", "Account": {"title": "ann"},
         "Metadata": {"title": "Pilot", "grandparentTitle": "The Show", "summary": "It begins."}},
        Wanted("Pilot", "It begins."),
    ),
    "Jellyfin": (
        {"NotificationType": "ItemAdded", "Name": "Pilot", "SeriesName": "The Show", "Year": 2026},
        Wanted("Pilot", "The Show"),
    ),
    "Shelly": ({"device": "plug", "event": "overpower", "value": 2300}, Wanted("Overpower", "value: 2300")),
    "Tasmota": (
        {"Time": "2026-01-01T00:00:00", "AM2301": {"Temperature": 21.5, "Humidity": 40}, "TempUnit": "C"},
        Wanted("ci", "temperature: 21.5"),
    ),
    "OwnTracks": ({"_type": "transition", "event": "enter", "desc": "Home", "tid": "an"}, Wanted("Enter", "Home")),
    "Mailgun": (
        {"event-data": {"event": "failed", "severity": "permanent", "recipient": "a@x.example", "reason": "bounce"}},
        Wanted("Failed", "bounce"),
    ),
    "Twilio": ({"From": "+33100000001", "To": "+332", "Body": "hi", "MessageSid": "SM1"}, Wanted("+33100000001", "hi")),
    "contact form": ({"Name": "Ann", "Email": "a@x.example", "Message": "Call me"}, Wanted("Ann", "Call me")),
    "alarm panel": ({"zone": "Garage", "status": "ALARM", "severity": "high"}, Wanted("ci", "zone: Garage")),
    "Linear": (
        {"action": "create", "type": "Issue", "data": {"title": "Bug", "description": "It is broken"}, "url": U},
        Wanted("Bug", "It is broken", link=U),
    ),
    "Figma": (
        {"event_type": "FILE_COMMENT", "comment": [{"text": "nice"}], "file_name": "Logo", "retries": 0},
        Wanted("File comment", "nice"),
    ),
    "trade": ({"e": "trade", "s": "BTCUSDT", "p": "42000.1", "q": "0.1"}, Wanted("ci", "BTCUSDT")),
    "Apprise": ({"title": "Backup", "body": "done", "type": "failure"}, Wanted("Backup", "done")),
    "MQTT": ({"topic": "home/door", "payload": "open"}, Wanted("ci", "payload: open")),
}  # fmt: skip


def judged(shape: dict[str, object], wanted: Wanted) -> tuple[str, Notification]:
    notification = decide("ci", Event("message", json.dumps(shape), ""))
    assert notification is not None
    wrong = [
        name
        for name, right in (
            ("title", notification.title == wanted.title),
            ("body", wanted.body in notification.body and bool(wanted.body) == bool(notification.body)),
            ("urgency", notification.urgency == wanted.urgency),
            ("link", notification.link == wanted.link),
        )
        if not right
    ]
    return ", ".join(wrong), notification


def test_the_mapping_picks_what_a_person_would() -> None:
    results = {name: judged(*case) for name, case in SHAPES.items()}
    right = [name for name, (wrong, _) in results.items() if not wrong]
    for name, (wrong, told) in results.items():
        line = (
            f"{'-' if wrong else '+'} {name:24} {told.title} | {told.body[:80]!r} | {told.urgency.name} | {told.link}"
        )
        sys.stdout.write(line + (f"   <- {wrong}\n" if wrong else "\n"))
    sys.stdout.write(f"{len(right)} of {len(results)} as a person would\n")
    assert len(results) >= 50
    assert len(right) >= ATLEAST * len(results)


def test_no_urgency_and_no_link_is_guessed() -> None:
    for name, (shape, wanted) in SHAPES.items():
        _, told = judged(shape, wanted)
        assert told.link in (wanted.link, None), name
        assert told.urgency in (wanted.urgency, NORMAL), name

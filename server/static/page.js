// The page: one stream, one list, three charts, a form, and what they say to each other.

import { Chart } from "./chart.js";
import { connecting } from "./connect.js";
import { EventList } from "./list.js";
import { publishing } from "./publish.js";
import { Stream } from "./stream.js";

const SECOND = 1_000;
const byId = (id) => document.getElementById(id);
const authorization = () => (stream.token ? { Authorization: `Bearer ${stream.token}` } : {});

const list = new EventList();

// Every event comes as type "message" with its type, topic and time in the data.
const stream = new Stream("/events?envelope=json", {
  heard(data, id) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return; // what `--demo broken` sends on purpose
    }
    const { type, topic = "", time, data: text } = event;
    list.add({ type, topic, time, data: text, id });
  },
  said,
});

// ---- the connection

let countdown;

function said({ state, reason, wait }) {
  const words = {
    connecting: "Connecting",
    open: "Connected",
    lost: `${reason}, trying again`,
    unauthorized: "A token is needed",
    refused: reason,
  };
  const place = byId("state");
  // A new try every few seconds is no news.
  if (!(state === "connecting" && place.dataset.state === "lost")) {
    place.dataset.state = state;
    if (place.textContent !== words[state]) place.textContent = words[state];
  }
  byId("again").hidden = !["lost", "refused"].includes(state);
  count(state === "lost" ? performance.now() + wait : null);
  if (state === "unauthorized") ask(reason);
  if (state === "open") admitted();
}

function count(until) {
  clearInterval(countdown);
  byId("countdown").textContent = "";
  if (until === null) return;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / SECOND);
    byId("countdown").textContent = left > 0 ? `in ${left} s` : "";
  };
  tick();
  countdown = setInterval(tick, SECOND);
}

function begin() {
  stream.tries = 0;
  stream.open();
}

byId("again").addEventListener("click", begin);
addEventListener("online", () => byId("state").dataset.state === "lost" && begin());
byId("host").textContent = location.host;

byId("since").addEventListener("change", (event) => {
  list.clear();
  stream.lastEventId = "";
  const since = event.target.value;
  stream.address = `/events?envelope=json${since && `&since=${since}`}`;
  begin();
});

// ---- the token

function ask(reason) {
  const wasWrong = stream.token !== null;
  stream.token = null;
  document.body.classList.add("guarded");
  byId("token").hidden = false;
  byId("token-error").textContent = wasWrong ? "The server does not know this token." : "";
  byId("token").title = reason;
  byId("token-text").setAttribute("aria-invalid", wasWrong);
  byId("token-text").focus();
}

function admitted() {
  const form = byId("token");
  const hadFocus = form.contains(document.activeElement);
  form.hidden = true;
  if (hadFocus) byId("events").focus();
}

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token-text");
  const token = field.value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    byId("token-error").textContent = "Paste the token that sse-server token add printed.";
    return field.focus();
  }
  field.value = "";
  stream.token = token;
  begin();
});

// ---- the figures

const charts = {
  subscribers: new Chart(byId("subscribers"), "Subscribers"),
  events: new Chart(byId("events-rate"), "Events per second"),
  deliveries: new Chart(byId("deliveries-rate"), "Deliveries per second"),
};
let before = null;

async function look() {
  const now = byId("state").dataset.state === "open" ? await status() : null;
  charts.subscribers.add(now && now.subscribers);
  for (const name of ["events", "deliveries"]) {
    const isSame = now && before && now.started === before.started;
    charts[name].add(isSame ? ((now[name] - before[name]) * SECOND) / (now.at - before.at) : null);
  }
  if (now) {
    byId("workers").textContent = now.workers > 1
      ? `These are of worker ${now.worker}, which is one of ${now.workers}; each counts for itself.`
      : "";
  }
  before = now;
}

async function status() {
  try {
    const answer = await fetch("/status.json", {
      headers: authorization(),
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(5 * SECOND),
    });
    return answer.ok ? { ...(await answer.json()), at: performance.now() } : null;
  } catch {
    return null;
  }
}

async function watch() {
  if (document.visibilityState === "visible") {
    await look();
    list.tell();
  }
  setTimeout(watch, SECOND);
}

// ---- the theme

const THEMES = ["system", "light", "dark"];

function theme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").textContent = `Theme: ${name}`;
}

byId("theme").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  theme(next);
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It lasts until the page is left, then.
  }
});

theme(THEMES.includes(document.documentElement.dataset.theme) ? document.documentElement.dataset.theme : "system");
publishing(byId("publish"), { authorization });
connecting();
begin();
watch();

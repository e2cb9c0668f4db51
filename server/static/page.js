// Events in, rows on the page out.  Data is a stranger's text: it reaches the page through textContent alone.

const ROWS = 500; // rows kept on the page; the oldest go

const state = document.getElementById("state");
const list = document.getElementById("events");
let waiting = []; // envelopes of this frame, not yet drawn; never more than ROWS

// An EventSource hears only the types it was told of, so the server is asked to put the type into the data.
const source = new EventSource("/events?envelope=json");

source.addEventListener("open", () => say("open", "Connected"));
source.addEventListener("error", () => {
  const over = source.readyState === EventSource.CLOSED;
  say("lost", over ? "Refused by the server; reload to try again" : "Connection lost, trying again");
});
source.addEventListener("message", (event) => {
  waiting.push(JSON.parse(event.data));
  if (waiting.length > ROWS) waiting.shift();
  if (waiting.length === 1) requestAnimationFrame(draw);
});

function draw() {
  const rows = waiting.map(row).reverse();
  waiting = [];
  document.getElementById("empty").hidden = true;
  list.prepend(...rows);
  while (list.childElementCount > ROWS) list.lastElementChild.remove();
}

function row(envelope) {
  const item = element("li");
  item.dataset.type = envelope.type;
  const fields = parse(envelope.data);
  if (fields && (isText(fields.title) || isText(fields.body))) {
    item.dataset.urgency = isText(fields.urgency) ? fields.urgency : "normal";
    if (isText(fields.title)) item.append(element("h3", fields.title));
    if (isText(fields.body)) item.append(element("p", fields.body));
    if (isWebLink(fields.link)) item.append(link(fields.link));
    if (fields.data !== undefined) item.append(element("pre", JSON.stringify(fields.data, null, 2)));
  } else if (fields) {
    item.append(element("pre", JSON.stringify(fields, null, 2)));
  } else {
    item.append(element("p", envelope.data));
  }
  item.append(about(envelope));
  return item;
}

function about({ time, topic, type, id }) {
  const line = element("div");
  line.className = "about";
  if (time) {
    const at = new Date(time * 1000);
    const stamp = element("time", at.toLocaleTimeString());
    stamp.dateTime = at.toISOString();
    line.append(stamp);
  }
  if (topic && topic !== "default") line.append(element("span", `topic ${topic}`));
  if (type !== "message") line.append(element("span", `type ${type}`));
  line.append(element("span", id));
  return line;
}

// The object that the data is, or null: data need not be JSON, and JSON need not be an object.
function parse(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function link(address) {
  const anchor = element("a", address);
  anchor.href = address;
  anchor.rel = "noopener noreferrer";
  anchor.target = "_blank";
  return anchor;
}

function isWebLink(value) {
  return isText(value) && URL.canParse(value) && ["http:", "https:"].includes(new URL(value).protocol);
}

function isText(value) {
  return typeof value === "string" && value !== "";
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function say(name, text) {
  state.dataset.state = name;
  state.textContent = text;
}

document.getElementById("publish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const answer = document.getElementById("answer");
  try {
    const response = await fetch("/events", { method: "POST", body: form.elements.text.value });
    answer.textContent = response.ok ? "" : (await response.json()).error;
    if (response.ok) form.reset();
  } catch {
    answer.textContent = "The server cannot be reached.";
  }
});

for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;

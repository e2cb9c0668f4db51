// An event in, its row on the page out.  Data is a stranger's text: it reaches the page through textContent alone.

const TEXT_LIMIT = 600; // characters, and lines, shown of a text until more is asked for
const LINES_LIMIT = 12;
const LINE = 90; // characters of JSON that go into one line
const NESTED = 200; // objects and arrays within each other, beyond which JSON is text
const DEPTH = 40; // spaces of indentation beyond which JSON is not taken apart

export function row(event) {
  const item = element("li");
  item.dataset.type = event.type;
  const what = element("div", "", "what");
  const { fields } = event;
  if (fields && (isText(fields.title) || isText(fields.body))) {
    if (isText(fields.urgency)) item.dataset.urgency = fields.urgency;
    if (isText(fields.title)) what.append(spoken("h3", fields.title));
    if (isText(fields.body)) what.append(...long("p", fields.body));
    if (isWebLink(fields.link)) what.append(link(fields.link));
    if (fields.data !== undefined) what.append(...long("pre", pretty(fields.data)));
  } else if (fields) {
    what.append(...long("pre", pretty(fields)));
  } else {
    what.append(...long("p", event.data));
  }
  item.append(when(event), what, about(event, fields));
  return item;
}

// The object that the data is, or null: data need not be JSON, and JSON need not be an object.
export function parse(data) {
  if (data[0] !== "{" && data[0] !== "[") return null;
  try {
    const value = JSON.parse(data);
    return isDeeper(value, NESTED) ? null : value;
  } catch {
    return null;
  }
}

// Whoever walks through what is nested too deep runs out of stack; such data is shown as the text that it is.
function isDeeper(value, limit) {
  if (typeof value !== "object" || value === null) return false;
  return limit === 0 || Object.values(value).some((part) => isDeeper(part, limit - 1));
}

// A line that says what the event is, for those who cannot see it.
export function summary({ fields, data }) {
  const text = isText(fields?.title) ? fields.title : isText(fields?.body) ? fields.body : data;
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function when({ time, id }) {
  if (!time) return element("span", "", "when");
  const at = new Date(time * 1000);
  const stamp = element("time", clock.format(at), "when");
  stamp.dateTime = at.toISOString();
  stamp.title = `${full.format(at)}, id ${id}`;
  return stamp;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function about({ topic, type }, fields) {
  const line = element("p", "", "about");
  if (isText(fields?.urgency) && fields.urgency !== "normal") line.append(labelled("urgency", fields.urgency));
  if (topic && topic !== "default") line.append(labelled("topic", topic));
  if (type !== "message") line.append(labelled("type", type));
  return line;
}

function labelled(name, value) {
  const whole = element("span", "", name);
  whole.append(element("span", `${name} `, "name"), element("bdi", value));
  return whole;
}

// The text, and, if it is long, a button that shows the rest.
function long(name, text) {
  const start = text.split("\n", LINES_LIMIT).join("\n").slice(0, TEXT_LIMIT);
  if (start.length === text.length) return [spoken(name, text)];
  const shown = spoken(name, `${start.trimEnd()} …`);
  const button = element("button", `Show all ${text.length.toLocaleString()} characters`);
  button.type = "button";
  button.addEventListener("click", () => {
    shown.textContent = text;
    shown.tabIndex = -1;
    shown.focus();
    button.remove();
  });
  return [shown, button];
}

// JSON with a line for each part that is too long for one.
function pretty(value, indent = "") {
  const short = JSON.stringify(value);
  if (typeof value !== "object" || value === null || indent.length > DEPTH) return short;
  if (indent.length + short.length <= LINE) return spaced(value);
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((part) => pretty(part, inner))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${pretty(part, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

function spaced(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${spaced(part)}`).join(", ")}}`;
}

// In the direction of its own first letter, whatever the page's is.
function spoken(name, text) {
  const made = element(name, text);
  made.dir = "auto";
  return made;
}

function link(address) {
  const anchor = element("a", address);
  anchor.title = address;
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

export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

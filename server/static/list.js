// Events in, the list on the page out: filtered, paused, and never more rows than a browser lays out in a blink.

import { filter, Kept, LIMIT } from "./kept.js";
import { parse, row, summary } from "./row.js";

const STEP = 200; // rows on the page, and rows that "Show more" adds
const ROWS = 2_000; // rows on the page at most
const NEWS = 10_000; // milliseconds between two sentences for a screen reader

const byId = (id) => document.getElementById(id);

export class EventList {
  #kept = new Kept();
  #arrived = []; // not drawn yet; never more than LIMIT
  #wants = () => true;
  #rows = STEP;
  #total = 0; // how many of the kept ones the filter takes
  #pausedAt = null; // the number of the first event that waits
  #waiting = 0;
  #unread = 0;
  #latest = null;
  #newsTimer = null;
  #saidAt = -NEWS;

  constructor() {
    this.list = byId("events");
    this.fields = ["topic", "type", "text"].map((name) => [name, byId(`filter-${name}`)]);
    let timer;
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    byId("filter").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#filter(), 150);
    });
    byId("pause").addEventListener("click", () => (this.#pausedAt === null ? this.#pause() : this.#resume()));
    byId("more").addEventListener("click", () => this.#more());
  }

  add(event) {
    event.fields = parse(event.data);
    this.#arrived.push(event);
    if (this.#arrived.length > LIMIT) this.#arrived.shift();
    if (this.#arrived.length === 1) soon(() => this.#draw());
  }

  clear() {
    this.#kept.clear();
    this.#arrived = [];
    this.#hush();
    this.#redraw();
  }

  // The names that were heard, for the filter; once in a while, not for each event.
  tell() {
    choices(byId("topics-known"), this.#kept.topics);
    choices(byId("types-known"), this.#kept.types);
    this.#tellTopics();
  }

  #draw() {
    const arrived = this.#arrived;
    this.#arrived = [];
    const dropped = arrived.flatMap((event) => this.#kept.add(event)).filter(this.#wants);
    const wanted = arrived.filter(this.#wants);
    if (this.#pausedAt !== null) {
      this.#waiting += wanted.length - dropped.filter((event) => event.number >= this.#pausedAt).length;
      this.#tellPause();
    } else {
      this.#total += wanted.length - dropped.length;
      this.list.prepend(...wanted.slice(-this.#rows).reverse().map(row));
      while (this.list.childElementCount > Math.min(this.#rows, this.#total)) this.list.lastElementChild.remove();
      if (wanted.length) this.#spread(wanted);
    }
    this.#tellCount();
  }

  #redraw() {
    const { found, total } = this.#kept.newest(this.#wants, this.#rows, this.#pausedAt ?? Infinity);
    this.#total = total;
    this.list.replaceChildren(...found.map(row));
    this.#tellCount();
  }

  #filter() {
    const asked = Object.fromEntries(this.fields.map(([name, field]) => [name, field.value.trim()]));
    this.#wants = filter(asked);
    this.#rows = STEP;
    this.#waiting = this.#pausedAt === null ? 0 : this.#countSince(this.#pausedAt);
    this.#redraw();
    this.#tellPause();
    this.#tellTopics();
    byId("news").textContent = byId("count").textContent;
  }

  #countSince(number) {
    return this.#kept.newest((event) => event.number >= number && this.#wants(event), 0).total;
  }

  #more() {
    const before = this.list.childElementCount;
    this.#rows = Math.min(this.#rows + STEP, ROWS);
    this.#redraw();
    const first = this.list.children[before];
    if (first) {
      first.tabIndex = -1;
      first.focus();
    }
  }

  #pause() {
    this.#pausedAt = this.#kept.number;
    this.#waiting = 0;
    this.#hush();
    this.#tellPause();
  }

  #resume() {
    this.#pausedAt = null;
    this.#waiting = 0;
    this.#redraw();
    this.#tellPause();
  }

  #tellPause() {
    const button = byId("pause");
    const paused = this.#pausedAt !== null;
    button.setAttribute("aria-pressed", paused);
    button.textContent = paused ? `Resume (${this.#waiting.toLocaleString()} waiting)` : "Pause";
  }

  #tellCount() {
    const shown = this.list.childElementCount;
    const isFiltered = this.fields.some(([, field]) => field.value.trim());
    const kept = this.#kept.length;
    byId("more").hidden = shown >= this.#total || shown >= ROWS;
    byId("empty").hidden = kept > 0;
    let text = "";
    if (isFiltered) text = `${this.#total.toLocaleString()} of ${kept.toLocaleString()} events match`;
    else if (kept > shown) text = `${kept.toLocaleString()} events`;
    if (shown < this.#total) text += `, the newest ${shown.toLocaleString()} are shown`;
    if (this.#kept.number > kept && kept >= LIMIT) text += "; older ones are no longer here";
    byId("count").textContent = text;
  }

  // Buttons that filter by a topic, the busiest first.  They stay where they are, so that none moves from under a finger.
  #tellTopics() {
    const place = byId("topics");
    const chosen = byId("filter-topic").value.trim();
    const busiest = [...this.#kept.topics].sort((a, b) => b[1] - a[1]).slice(0, 12);
    place.hidden = this.#kept.topics.size < 2;
    const there = new Map([...place.children].map((item) => [item.firstChild.dataset.topic, item]));
    for (const [topic, item] of there) {
      if (!busiest.some(([name]) => name === topic) && !item.contains(document.activeElement)) item.remove();
    }
    for (const [topic, count] of busiest) {
      const item = there.get(topic) ?? place.appendChild(this.#topic(topic));
      const button = item.firstChild;
      button.setAttribute("aria-pressed", chosen === topic);
      button.lastChild.textContent = count.toLocaleString();
    }
  }

  #topic(topic) {
    const item = document.createElement("li");
    const button = item.appendChild(document.createElement("button"));
    const name = button.appendChild(document.createElement("bdi"));
    button.append(" ", document.createElement("span"));
    button.type = "button";
    button.dataset.topic = name.textContent = topic;
    button.addEventListener("click", () => {
      const field = byId("filter-topic");
      field.value = field.value === topic ? "" : topic;
      this.#filter();
    });
    return item;
  }

  // One sentence for a screen reader now and then, however many events there are.
  #spread(events) {
    this.#unread += events.length;
    this.#latest = events.at(-1);
    this.#newsTimer ??= setTimeout(() => this.#say(), Math.max(500, this.#saidAt + NEWS - performance.now()));
  }

  // What was to be said is no longer what is looked at.
  #hush() {
    clearTimeout(this.#newsTimer);
    this.#newsTimer = null;
    this.#unread = 0;
  }

  #say() {
    const many = this.#unread === 1 ? "" : `${this.#unread.toLocaleString()} new events. Latest: `;
    byId("news").textContent = many + summary(this.#latest);
    this.#unread = 0;
    this.#newsTimer = null;
    this.#saidAt = performance.now();
  }
}

// In the next frame; a tab that is not looked at has none, and is drawn once a second.
function soon(draw) {
  if (document.visibilityState === "visible") requestAnimationFrame(draw);
  else setTimeout(draw, 1_000);
}

function choices(place, names) {
  if (place.childElementCount === names.size) return;
  const options = [...names.keys()].map((name) => {
    const option = document.createElement("option");
    option.value = name;
    return option;
  });
  place.replaceChildren(...options);
}

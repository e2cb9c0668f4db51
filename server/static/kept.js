// Events in, the newest of them out: at most LIMIT, and at most WEIGHT characters.  No page.

export const LIMIT = 10_000;
const WEIGHT = 32 * 1024 * 1024;
const NAMES = 500; // topics, and types, that are counted; a stranger may make up any number

export class Kept {
  #events = []; // oldest first, from #first on
  #first = 0;
  #weight = 0;
  number = 0; // how many ever came
  topics = new Map();
  types = new Map();

  get length() {
    return this.#events.length - this.#first;
  }

  // Gives those that it kept until now.
  add(event) {
    const dropped = [];
    event.number = this.number++;
    this.#events.push(event);
    this.#weight += event.data.length;
    count(this.topics, event.topic);
    count(this.types, event.type);
    while (this.length > LIMIT || (this.#weight > WEIGHT && this.length > 1)) {
      dropped.push(this.#events[this.#first]);
      this.#weight -= this.#events[this.#first].data.length;
      this.#events[this.#first++] = null;
    }
    if (this.#first > LIMIT) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
    return dropped;
  }

  // Newest first, of those that came before `end`: the first `limit` that `wants` takes, and how many there are.
  newest(wants, limit, end = Infinity) {
    const found = [];
    let total = 0;
    for (let at = this.#events.length - 1; at >= this.#first; at--) {
      const event = this.#events[at];
      if (event.number < end && wants(event)) {
        total += 1;
        if (found.length < limit) found.push(event);
      }
    }
    return { found, total };
  }

  clear() {
    this.#events = [];
    this.#first = this.#weight = 0;
    this.topics.clear();
    this.types.clear();
  }
}

// What the three fields of the filter say, as a question to one event.
export function filter({ topic, type, text }) {
  const inTopic = pattern(topic);
  const inType = pattern(type);
  const needle = text.toLowerCase();
  const has = (text) => typeof text === "string" && text.toLowerCase().includes(needle);
  // In JSON a text may look other than it is shown.
  const says = ({ data, fields }) => has(data) || (fields && Object.values(fields).some(has));
  return (event) => inTopic(event.topic) && inType(event.type) && (!needle || says(event));
}

// `*` stands for any characters, as in a subscription.  Pieces are looked for in turn: no backtracking.
function pattern(text) {
  if (!text || text === "*") return () => true;
  const [start, ...pieces] = text.split("*");
  if (!pieces.length) return (name) => name === text;
  const end = pieces.pop();
  return (name) => {
    if (!name.startsWith(start) || !name.endsWith(end) || name.length < start.length + end.length) return false;
    let at = start.length;
    for (const piece of pieces) {
      at = name.indexOf(piece, at);
      if (at < 0) return false;
      at += piece.length;
    }
    return at <= name.length - end.length;
  };
}

function count(names, name) {
  const before = names.get(name);
  if (before !== undefined || names.size < NAMES) names.set(name, (before ?? 0) + 1);
}

// An address in, the events of its stream out, for as long as it takes.
//
// By fetch and not by EventSource, which cannot send a token, cannot say why it was refused, and hides when it tries
// again.  Reading follows WHATWG HTML 9.2.6, as far as this server needs it: its lines end with LF alone.

const SHORTEST = 1_000; // milliseconds before the first new try; doubled from try to try
const LONGEST = 30_000;
const SILENCE = 45_000; // milliseconds without a byte after which a connection is dead; the server beats every 15 s
const LINE_LIMIT = 8 * 1024 * 1024; // characters in a line that has not ended

export class Stream {
  // `heard` gets every event: its data and its id.  `said` gets {state, ...}: "connecting", "open",
  // "lost" with `wait` in milliseconds, "unauthorized", or "refused"; the last three with a `reason`.
  constructor(address, { heard, said }) {
    this.address = address;
    this.heard = heard;
    this.said = said;
    this.token = null;
    this.lastEventId = "";
    this.tries = 0;
  }

  // Begin, or begin anew at once.
  open() {
    this.close();
    this.connection = new AbortController();
    this.#read(this.connection);
  }

  close() {
    this.connection?.abort();
    clearTimeout(this.timer);
  }

  async #read(connection) {
    this.said({ state: "connecting" });
    let reason = "Connection lost";
    let wait = 0;
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.token) headers.Authorization = `Bearer ${this.token}`;
      if (this.lastEventId) headers["Last-Event-ID"] = this.lastEventId;
      // Without credentials, because a browser would ask for a password in a window of its own.
      const answer = await fetch(this.address, {
        headers,
        credentials: "omit",
        cache: "no-store",
        signal: connection.signal,
      });
      if (answer.ok) {
        this.said({ state: "open" });
        await this.#follow(answer.body, connection);
      } else {
        reason = await sentence(answer);
        if (answer.status === 401) return this.said({ state: "unauthorized", reason });
        if (answer.status < 500 && ![408, 425, 429].includes(answer.status)) {
          return this.said({ state: "refused", reason });
        }
        wait = Number(answer.headers.get("Retry-After")) * 1_000 || 0;
      }
    } catch (error) {
      if (connection !== this.connection || (error.name === "AbortError" && !connection.silent)) return;
    }
    if (connection !== this.connection) return;
    const longest = Math.min(LONGEST, SHORTEST * 2 ** this.tries);
    this.tries += 1;
    wait = Math.max(wait, longest / 2 + (Math.random() * longest) / 2);
    this.said({ state: "lost", reason, wait });
    this.timer = setTimeout(() => this.open(), wait);
  }

  async #follow(body, connection) {
    const lines = new Lines();
    const fields = new Fields((data, id) => this.heard(data, id));
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const watch = setTimeout(() => {
        connection.silent = true;
        connection.abort();
      }, SILENCE);
      const { value, done } = await reader.read().finally(() => clearTimeout(watch));
      if (done) return;
      this.tries = 0;
      for (const line of lines.feed(value)) fields.line(line);
      this.lastEventId = fields.lastEventId || this.lastEventId;
    }
  }
}

export async function sentence(answer) {
  try {
    return (await answer.json()).error ?? `The server answered ${answer.status}`;
  } catch {
    return `The server answered ${answer.status}`;
  }
}

class Lines {
  #rest = [];
  #length = 0;

  feed(text) {
    const lines = text.split("\n");
    this.#rest.push(lines[0]);
    this.#length += lines[0].length;
    if (this.#length > LINE_LIMIT) throw new RangeError("a line without an end");
    if (lines.length === 1) return [];
    lines[0] = this.#rest.join("");
    const last = lines.pop();
    this.#rest = [last];
    this.#length = last.length;
    return lines;
  }
}

class Fields {
  #data = [];
  lastEventId = "";

  constructor(dispatch) {
    this.dispatch = dispatch;
  }

  line(line) {
    if (line.startsWith("data: ")) {
      this.#data.push(line.slice(6));
    } else if (line.startsWith("id: ") && !line.includes("\0")) {
      this.lastEventId = line.slice(4);
    } else if (line === "" && this.#data.length) {
      this.dispatch(this.#data.join("\n"), this.lastEventId);
      this.#data = [];
    }
  }
}

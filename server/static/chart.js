// A figure once a second in, a line of the last two minutes out, with a sentence for those who cannot see it.

const SAMPLES = 120;
const HEIGHT = 32;
const SVG = "http://www.w3.org/2000/svg";

export class Chart {
  #samples = []; // null where the server did not answer

  constructor(figure, unit) {
    this.unit = unit;
    this.now = figure.querySelector(".now");
    this.peak = figure.querySelector(".peak");
    this.picture = figure.querySelector("svg");
    this.picture.setAttribute("viewBox", `0 0 ${SAMPLES - 1} ${HEIGHT}`);
    this.picture.setAttribute("preserveAspectRatio", "none");
    this.area = this.picture.appendChild(document.createElementNS(SVG, "path"));
    this.line = this.picture.appendChild(document.createElementNS(SVG, "path"));
    this.area.setAttribute("class", "area");
    this.line.setAttribute("class", "line");
    this.picture.setAttribute("aria-label", `${unit}: not known yet`);
  }

  add(value) {
    this.#samples.push(value);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const known = this.#samples.filter((each) => each !== null);
    this.now.textContent = value === null ? "–" : number(value);
    if (!known.length) return;
    const most = Math.max(...known);
    this.peak.textContent = `peak ${number(most)}`;
    const label = `${this.unit}, last two minutes: now ${value === null ? "unknown" : number(value)}, `
      + `lowest ${number(Math.min(...known))}, highest ${number(most)}`;
    this.picture.setAttribute("aria-label", label);
    const { line, area } = paths(this.#samples, most);
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
  }
}

// One piece for each run of known samples, the newest at the right edge.
function paths(samples, most) {
  const scale = (HEIGHT - 3) / Math.max(1, most);
  let line = "";
  let area = "";
  let start = null;
  let before = null;
  const close = () => {
    if (start !== null) area += `V${HEIGHT}H${start}Z`;
    start = null;
  };
  samples.forEach((value, index) => {
    const x = SAMPLES - samples.length + index;
    if (value === null) return close();
    const y = (HEIGHT - 1.5 - value * scale).toFixed(1);
    line += start === null ? `M${x} ${y}` : `L${x} ${y}`;
    area += start === null ? `M${x} ${y}` : `L${x} ${y}`;
    start ??= x;
    before = x;
  });
  if (before !== null) close();
  return { line, area };
}

function number(value) {
  return value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 });
}

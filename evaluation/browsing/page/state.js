// What the page shows, kept in its address: a reload and a link lead to the same.

const KEYS = ["condition", "view", "system", "other", "metric", "sort", "descending", "text", "speaker", "lacking", "first", "id"];

export class State extends EventTarget {
  constructor() {
    super();
    const found = new URLSearchParams(location.hash.slice(1));
    for (const key of KEYS) this[key] = found.get(key) ?? "";
  }

  /** Changes some values, and tells which. */
  set(values) {
    Object.assign(this, values);
    const kept = new URLSearchParams(KEYS.filter((key) => this[key]).map((key) => [key, this[key]]));
    history.replaceState(null, "", `#${kept}`);
    this.dispatchEvent(new CustomEvent("change", { detail: Object.keys(values) }));
  }
}

// What the page shows, kept in its address: a reload, a link and the browser's Back lead to the same.

const KEYS = ["condition", "view", "system", "other", "metric", "sort", "descending", "text", "speaker", "lacking", "first", "id"];
const FIXED = ["condition", "view", "system", "other", "metric", "sort"]; // which are always something
const STEPPED = ["id", "text"]; // changes of which are too many to go back through each

export class State extends EventTarget {
  constructor() {
    super();
    Object.assign(this, this.#addressed());
    this.view ||= "system";
    this.sort ||= "id";
    window.addEventListener("popstate", () => this.#restore());
  }

  #addressed() {
    const found = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(KEYS.map((key) => [key, found.get(key) ?? ""]));
  }

  /** Writes what is shown into the address, in place of what stands there. */
  keep() {
    history.replaceState(null, "", this.#address());
  }

  #address() {
    return `#${new URLSearchParams(KEYS.filter((key) => this[key]).map((key) => [key, this[key]]))}`;
  }

  /** Changes some values, and tells which. */
  set(values) {
    Object.assign(this, values);
    const changed = Object.keys(values);
    if (changed.some((key) => STEPPED.includes(key))) this.keep();
    else history.pushState(null, "", this.#address());
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }

  /** As the address has it now. Fields of the page hear "restored", to show it. */
  #restore() {
    const there = this.#addressed();
    const changed = KEYS.filter((key) => there[key] !== this[key] && (there[key] || !FIXED.includes(key)));
    for (const key of changed) this[key] = there[key];
    this.dispatchEvent(new Event("restored"));
    if (changed.length) this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }
}

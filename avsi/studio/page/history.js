// Undo and redo over whole states, each a string: what is edited is small, and a string can be compared.

const TOGETHER_MS = 1000;

export class History {
  #past = [];
  #future = [];
  #last = { what: null, at: 0 };

  /** Keeps the state before a change; changes of the same `what` soon after each other are one step. */
  keep(state, what = null) {
    const now = performance.now();
    const together = what !== null && what === this.#last.what && now - this.#last.at < TOGETHER_MS;
    this.#last = { what, at: now };
    if (!together && this.#past.at(-1) !== state) this.#past.push(state);
    this.#future = [];
  }

  /** The state before, or undefined; `present` can be had again by redo. */
  undo(present) {
    return this.#move(this.#past, this.#future, present);
  }

  redo(present) {
    return this.#move(this.#future, this.#past, present);
  }

  #move(from, to, present) {
    this.#last.what = null;
    let state = from.pop();
    if (state === present) state = from.pop();
    if (state !== undefined) to.push(present);
    return state;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }
}

// Asks the server for what a part of the page shows.

import { get } from "/page/api.js";
import { unwarn, warn } from "/page/dom.js";

/** A function that answers undefined, and warns, where it is refused; the warning is taken back with the next answer. */
export function asker() {
  let told = "";
  return async (address) => {
    try {
      const found = await get(address);
      if (told) unwarn(told);
      told = "";
      return found;
    } catch (error) {
      warn((told = error.message));
      return undefined;
    }
  };
}

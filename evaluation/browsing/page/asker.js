// Asks the server for what a part of the page shows.

import { get } from "/page/api.js";
import { warner } from "/page/dom.js";

/** A function that answers undefined, and warns, where it is refused; the warning is taken back with the next answer. */
export function asker() {
  const tell = warner();
  return async (address) => {
    try {
      const found = await get(address);
      tell("");
      return found;
    } catch (error) {
      tell(error.message);
      return undefined;
    }
  };
}

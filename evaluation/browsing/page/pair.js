// A trial of blind pairs: two sounds, and which of them is better.

import { byId, make } from "/page/dom.js";
import { hear, hearButton, markHeard } from "./heard.js";

const ANSWERS = [["Sound 1 is better", [1, 0]], ["No difference", [0.5, 0.5]], ["Sound 2 is better", [0, 1]]];

export class Pair {
  constructor({ mixer, gaps, answer }) {
    this.mixer = mixer;
    byId("question").textContent = "Which sounds better?";
    byId("hint").textContent = "Change between the two while they play, as often as you like: by the keys 1 and 2, or here.";
    const buttons = [0, 1].map((index) => hearButton(mixer, index, `Sound ${index + 1}`));
    byId("sounds").replaceChildren(make("div", { className: "row switched" }, ...buttons));
    const answers = ANSWERS.map(([text, ratings]) => make("button", { type: "button", className: "main", onclick: () => answer(ratings) }, text));
    byId("answers").replaceChildren(...answers);
    markHeard(mixer, gaps, buttons, (unheard) => {
      for (const each of answers) each.disabled = unheard > 0;
      byId("missing").textContent = unheard ? "Hear the gap in both before you answer." : "";
    });
  }

  /** A key: the sound of that number. */
  pressed(number) {
    if (number >= 1 && number <= 2) hear(this.mixer, number - 1);
  }
}

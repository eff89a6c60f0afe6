// Tables as reports have them: a caption, and cells of several lines, some bold.

import { make } from "/page/dom.js";

const ALIGNED = { l: "", c: "middle", r: "figure" };

export function drawTable({ caption, header, alignment, rows }) {
  const side = (place) => ALIGNED[alignment[place]] ?? "";
  const heads = header.map((text, place) => make("th", { scope: "col", className: side(place) }, text));
  const body = rows.map((row) => make("tr", {}, ...row.map(([text, bold], place) => {
    const inside = bold ? make("strong", {}, text) : text;
    return place ? make("td", { className: side(place) }, inside) : make("th", { scope: "row" }, inside);
  })));
  const table = make("table", { className: "report" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
  const region = make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "A table to scroll" }, table);
  return make("figure", {}, make("figcaption", { className: "soft" }, caption), region);
}

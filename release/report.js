"use strict";
// A click on the head of a column sorts its table, numbers by value; a second click turns the order.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const value = (row, at) => row.cells[at]?.dataset.value ?? row.cells[at]?.textContent.trim() ?? "";
  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.parentElement, at = head.cellIndex;
      const isNumber = body.rows[0]?.cells[at]?.dataset.value !== undefined;
      const down = head.ariaSort ? head.ariaSort === "ascending" : isNumber;
      for (const other of table.querySelectorAll("th")) other.ariaSort = null;
      head.ariaSort = down ? "descending" : "ascending";
      const order = (a, b) => isNumber ? value(a, at) - value(b, at) : value(a, at).localeCompare(value(b, at));
      body.append(...[...body.rows].sort((a, b) => down ? order(b, a) : order(a, b)));
    });
  }
}
// Long tables get a field that hides the rows without some words.
for (const table of document.querySelectorAll("table.filtered")) {
  if (table.tBodies[0].rows.length < 8) continue;
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Only rows with …";
  field.ariaLabel = "Only rows with these words";
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
  });
  table.parentElement.before(field);
}

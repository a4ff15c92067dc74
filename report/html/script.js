"use strict";
// Search, filters and sorting for tables. A page is whole without it: it only
// hides and orders rows that are there.
//
// <table data-sort> gets a button in each title. A row's key in a column is the
// data-k of its cell, or the cell's first words; data-t="number" on the title
// compares numbers.
//
// <form data-filter="ID"> narrows the table of that id: the field "q" searches
// in all its text, every other field asks for a row's data- attribute of that
// name. <output id="ID-count"> says how many rows are left.
//
// Of a long table the first rows are drawn, and a button below draws the others:
// a browser takes long to lay out many thousand. Paper has them all.
(() => {
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

  const key = (row, i) => {
    const cell = row.cells[i];
    return cell ? cell.dataset.k ?? (cell.firstChild ? cell.firstChild.textContent : "") : "";
  };

  const many = 500; // as in the style
  const limits = new Map();
  const mores = new Map();

  const draw = (table) => {
    const limit = limits.get(table) ?? many;
    let n = 0;
    for (const row of table.tBodies[0].rows) {
      const later = !row.hidden && ++n > limit;
      if (row.classList.contains("later") !== later) row.classList.toggle("later", later);
    }
    table.dataset.drawn = "1";
    let more = mores.get(table);
    if (n > limit && !more) {
      more = document.createElement("p");
      const button = document.createElement("button");
      button.type = "button";
      button.addEventListener("click", () => { limits.set(table, Infinity); draw(table); });
      more.append(`The first ${limit} rows are shown. `, button);
      more.className = "more";
      mores.set(table, more);
      table.parentElement.after(more);
    }
    if (more) {
      more.hidden = n <= limit;
      more.lastChild.textContent = `Show all ${n}`;
    }
  };

  const sort = (table, i, down, number) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row, n) => {
      const text = key(row, i);
      return { row, n, text, value: text === "" ? -Infinity : parseFloat(text) };
    });
    const sign = down ? -1 : 1;
    rows.sort((a, b) => sign * (number ? a.value - b.value || 0 : order(a.text, b.text)) || a.n - b.n);
    // Away from the page the rows cost nothing to move.
    const after = body.nextSibling;
    body.remove();
    for (const { row } of rows) body.append(row);
    table.insertBefore(body, after);
    draw(table);
  };

  for (const table of document.querySelectorAll("table[data-sort]")) {
    draw(table);
    const titles = Array.from(table.tHead.rows[0].cells);
    titles.forEach((th, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const down = th.getAttribute("aria-sort") === "ascending";
        for (const other of titles) other.removeAttribute("aria-sort");
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table, i, down, th.dataset.t === "number");
      });
    });
  }

  for (const form of document.querySelectorAll("form[data-filter]")) {
    const table = document.getElementById(form.dataset.filter);
    const count = document.getElementById(form.dataset.filter + "-count");
    const all = count.textContent;
    const rows = Array.from(table.tBodies[0].rows);
    const texts = new Map();
    const text = (row) => {
      let t = texts.get(row);
      if (t === undefined) {
        t = "";
        for (const cell of row.cells) for (const piece of cell.childNodes) t += piece.textContent + " ";
        t = t.toLowerCase();
        texts.set(row, t);
      }
      return t;
    };
    const narrow = () => {
      const asked = new FormData(form);
      const words = String(asked.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      asked.delete("q");
      const facts = Array.from(asked).filter(([, value]) => value !== "");
      let n = 0;
      for (const row of rows) {
        const shown = facts.every(([name, value]) => row.dataset[name] === value) && (words.length === 0 || words.every((w) => text(row).includes(w)));
        if (row.hidden === shown) row.hidden = !shown;
        if (shown) n++;
      }
      draw(table);
      count.textContent = words.length + facts.length === 0 ? all : `${n} of ${rows.length} ${rows.length === 1 ? count.dataset.one : count.dataset.many} shown`;
    };
    let due = 0;
    const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(narrow); };
    form.addEventListener("input", soon);
    form.addEventListener("reset", () => { setTimeout(narrow); });
    form.addEventListener("submit", (e) => { e.preventDefault(); narrow(); });
    form.hidden = false;
  }
})();

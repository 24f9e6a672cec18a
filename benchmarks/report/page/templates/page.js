// The page's own script: tables to sort and filter, charts, the legend, and the links between them. Without it the page
// is complete as tables and pictures.
(() => {
  "use strict";
  const palette = JSON.parse(document.getElementById("palette").textContent);
  const {default: DataTable, jQuery} = window.tables;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("live");

  // Data of charts: the rows of a table, by the names in its heads. Read before DataTables takes rows out.
  const rows = new Map(all("table[id]").map((table) => [table.id, rowsOf(table)]));
  function rowsOf(table) {
    const names = all("thead th", table).map((head) => head.dataset.name);
    if (!names.some(Boolean)) return [];
    return all("tbody tr", table).map((line) => {
      const row = {};
      [...line.cells].forEach((cell, index) => {
        const text = cell.dataset.order ?? cell.textContent.trim();
        const value = text === "" ? null : Number(text);
        row[names[index]] = names[index] === "variant" || Number.isNaN(value) ? text : value;
        if (names[index] === "variant") row.title = cell.firstChild.textContent.trim();
      });
      return row;
    });
  }

  // Charts. The interpreter of expressions (`ast`) needs no eval, which the content policy forbids.
  const charts = new Map();
  // Colours are the page's own, so that a chart is dark or light, or printed on white, without being drawn again.
  function themed(spec, width) {
    const text = JSON.stringify(spec).replaceAll(`"${palette.black}"`, '"var(--black)"').replaceAll(`"${palette.blue}"`, '"var(--blue)"');
    const ink = "var(--ink)", axis = {gridColor: "var(--grid)", domainColor: ink, tickColor: ink, labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 13};
    const axisY = {labelLimit: width / 3};
    return Object.assign(JSON.parse(text), {config: {background: "transparent", view: {stroke: null}, axis, axisY, font: "system-ui, DejaVu Sans, sans-serif"}});
  }
  async function draw(figure) {
    const specs = JSON.parse(figure.querySelector("script").textContent);
    const picked = figure.querySelector("input:checked");
    const place = figure.querySelector(".plot");
    const spec = themed(specs[picked ? picked.value : Object.keys(specs)[0]], place.clientWidth);
    spec.datasets = {...spec.datasets, rows: rows.get(figure.dataset.listing)};
    const {view} = await window.vegaEmbed(place, spec, {ast: true, renderer: "svg", logLevel: 1, actions: false, defaultStyle: false, tooltip: {disableDefaultStyle: true}});
    charts.get(figure)?.finalize();
    charts.set(figure, view);
    view.addEventListener("click", (_, item) => item?.datum?.variant && choose(figure.closest("article"), item.datum.variant));
    await refresh(view, state(figure.closest("article")));
  }
  const refresh = (view, {hidden, chosen}) => view.signal("hidden", [...hidden]).signal("chosen", [...chosen]).runAsync();

  // State of a run: series that are switched off, and series that stand out.
  const states = new Map();
  function state(article) {
    if (!states.has(article)) {
      const off = all("[data-series][aria-pressed=false]", article).map((button) => button.dataset.series);
      states.set(article, {hidden: new Set(off), chosen: new Set()});
    }
    return states.get(article);
  }
  function changed(article) {
    const {hidden, chosen} = state(article);
    all("[data-series]", article).forEach((button) => button.setAttribute("aria-pressed", !hidden.has(button.dataset.series)));
    tables.filter((table) => article.contains(table.table().node())).forEach((table) => table.rows().nodes().each((line) => mark(line, chosen)));
    charts.forEach((view, figure) => article.contains(figure) && refresh(view, state(article)));
  }
  function mark(line, chosen) {
    const box = line.querySelector("[data-variant]");
    if (!box) return;
    box.checked = chosen.has(box.dataset.variant);
    line.classList.toggle("chosen", box.checked);
  }
  function toggle(set, value) { if (!set.delete(value)) set.add(value); }
  function choose(article, variant) { toggle(state(article).chosen, variant); changed(article); }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-series], [data-all]");
    const help = event.target.closest(".help");
    if (button) {
      const article = button.closest("article"), {hidden} = state(article);
      const names = all("[data-series]", article).map((other) => other.dataset.series);
      if (button.dataset.series !== undefined) toggle(hidden, button.dataset.series);
      else names.forEach((name) => button.dataset.all === "on" ? hidden.delete(name) : hidden.add(name));
      changed(article);
    } else if (help && explained.showPopover) {
      event.preventDefault();
      event.stopPropagation();
      explained.replaceChildren(...document.getElementById(help.hash.slice(1)).cloneNode(true).childNodes);
      explained.showPopover();
      explained.focus();
    }
  }, true);
  document.addEventListener("keydown", (event) => {
    // Enter on the question mark of a head explains it and does not sort.
    if (event.target.closest?.(".help") && event.key === "Enter") event.stopPropagation();
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-variant]")) choose(event.target.closest("article"), event.target.dataset.variant);
    if (event.target.matches(".axes input")) draw(event.target.closest("figure"));
  });
  const explained = document.getElementById("explained");

  // Tables. A cell that a spreadsheet would compute gets an apostrophe in front.
  const harmless = (text) => /^[=+\-@\t\r]/.test(text) && text !== "-" && Number.isNaN(Number(text.replace(/[ %±,]/g, ""))) ? `'${text}` : text;
  const plain = (node) => harmless(node.textContent.replace(/\s+/g, " ").trim());
  const format = {body: (data, row, column, node) => plain(node), header: (data, column, node) => plain(node.querySelector(".head") ?? node)};
  const tables = [];
  function activate(table) {
    const heads = all("thead th", table).map((head) => head.dataset.head);
    const hidden = JSON.parse(table.dataset.hidden).map((name) => heads.indexOf(name));
    const length = table.tBodies[0].rows.length, many = length > 50;
    const buttons = heads.length > 5 || hidden.length ? [{extend: "colvis", text: "Columns"}] : [];
    const exported = {exportOptions: {format}, title: null, filename: table.id};  // all columns, the hidden ones too
    const made = new DataTable(table, {
      order: [], autoWidth: false, paging: many, pageLength: 50, info: many, searching: true,
      columnDefs: [{targets: hidden, visible: false}],
      layout: {topStart: {buttons: [...buttons, {extend: "csvHtml5", text: "CSV", ...exported}]}, topEnd: length > 12 ? "search" : null, bottomStart: many ? "info" : null, bottomEnd: many ? "paging" : null},
      language: {search: "Search"},
    });
    tables.push(made);
    if (buttons.length) counted(made);
    filters(table, made, heads);
  }
  function counted(made) {
    const write = () => {
      const n = made.columns().visible().toArray().filter((shown) => !shown).length;
      made.button(0).text(n ? `Columns (${n} hidden)` : "Columns");
    };
    made.on("column-visibility", write);
    write();
  }
  function filters(table, made, heads) {
    const place = document.querySelector(`.filters[data-for="${CSS.escape(table.id)}"]`);
    for (const name of JSON.parse(table.dataset.filters)) {
      const column = made.column(heads.indexOf(name));
      const values = [...new Set(column.nodes().toArray().map((cell) => cell.textContent.trim()))];
      if (values.length < 2) continue;
      const label = document.createElement("label"), select = document.createElement("select");
      values.sort((a, b) => a.localeCompare(b, "en", {numeric: true}));
      select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
      select.addEventListener("change", () => {
        const wanted = select.value;
        column.search.fixed("filter", wanted === "" ? null : (text, data, index) => made.cell(index, column.index()).node().textContent.trim() === wanted).draw();
      });
      select.setAttribute("aria-label", name);
      label.append(`${name} `, select);
      place.append(label);
    }
  }

  // Work is done when it is seen: a chart that comes near the window, a table of numbers that is opened. The other
  // charts of the run that is shown follow while nothing else is to be done, since printing waits for none.
  const waiting = new Set(all("figure.chart"));
  function drawOnce(figure) {
    near.unobserve(figure);
    return waiting.delete(figure) ? draw(figure) : Promise.resolve();
  }
  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => drawOnce(entry.target)), {rootMargin: "600px"});
  waiting.forEach((figure) => near.observe(figure));
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
  const drawRest = () => {
    const next = [...waiting].find((figure) => figure.checkVisibility?.() ?? true);
    if (next) drawOnce(next).then(() => idle(drawRest));
  };
  all(".listing table[id]").forEach(activate);
  all("details.folded").forEach((details) => details.addEventListener("toggle", () => activate(details.querySelector("table[id]")), {once: true}));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const darken = () => document.documentElement.classList.toggle("dark", dark.matches);  // for DataTables
  dark.addEventListener("change", darken);
  darken();
  window.drawAll = () => Promise.all([...waiting].map(drawOnce));
  // Paper shows every row and column.
  const unprinted = new Map();
  addEventListener("beforeprint", () => tables.forEach((table) => {
    unprinted.set(table, table.columns((index) => !table.column(index).visible()).indexes().toArray());
    table.columns(unprinted.get(table)).visible(true);
    table.page.len(-1).draw();
  }));
  addEventListener("afterprint", () => unprinted.forEach((columns, table) => table.columns(columns).visible(false)));

  // One results folder at a time.
  const switches = all("[data-run]");
  function show(id) {
    const wanted = switches.some((link) => link.dataset.run === id) ? id : switches[0]?.dataset.run;
    switches.forEach((link) => {
      link.setAttribute("aria-current", link.dataset.run === wanted);
      document.getElementById(link.dataset.run).hidden = link.dataset.run !== wanted;
    });
  }
  const current = () => document.getElementById(location.hash.slice(1))?.closest("article")?.id ?? location.hash.slice(1);
  addEventListener("hashchange", () => document.getElementById(location.hash.slice(1))?.closest("article") && show(current()));
  show(current());
  idle(drawRest);
  if (innerWidth < 800) all("details.legend").forEach((legend) => { legend.open = false; });
})();

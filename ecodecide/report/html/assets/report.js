// What is chosen on the page shows in every figure and table: policies, the world, and for some figures a year or an
// uncertainty. A trace or an element is shown if all that it is of (its `meta`, its data- attributes) is chosen.
"use strict";
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const print = matchMedia("print");
  const touch = matchMedia("(pointer: coarse)");
  const PRINTED = { page: 660, panel: 320, height: 0.8 }; // px: A4 and Letter within their margins; lower, so that more figures fit a page

  const choices = document.querySelector(".choices");
  const notDrawn = document.getElementById("not-drawn");

  // --- what is chosen ---

  const checked = (name) => all(`input[name="${name}"]:checked`).map((input) => input.value);
  const chosen = () => ({ policy: new Set(checked("policy")), world: new Set(checked("world")) });
  const drawnBy = (control) => control.dataset.of.split(" ");
  const valueOf = (control) => figures[drawnBy(control)[0]].choices[control.dataset.chooses][control.value];
  const own = (id) =>
    Object.fromEntries(
      all(`[data-chooses][data-of~="${id}"]`).map((control) => [control.dataset.chooses, new Set([valueOf(control)])]),
    );
  const shown = (meta, choice) => Object.entries(meta ?? {}).every(([key, value]) => !choice[key] || choice[key].has(value));

  // --- colors ---

  let printing = false;
  const theme = () => {
    const style = getComputedStyle(root);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  };

  function inked(trace, color) {
    const ink = trace.meta?.ink;
    if (!ink) return trace;
    const copy = { ...trace };
    if (trace.line) copy.line = { ...trace.line, color: color(ink) };
    if (trace.marker) copy.marker = { ...trace.marker, color: color(ink) };
    if (trace.textfont) copy.textfont = { ...trace.textfont, color: color(ink) };
    return copy;
  }

  function dressed(layout, color, width) {
    const narrow = width < 520;
    const height = layout.height * (printing ? PRINTED.height : 1);
    const copy = { ...layout, width, height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
    const size = narrow ? 12 : 13;
    copy.font = { ...layout.font, color: color("ink"), family: "system-ui, sans-serif", size };
    copy.hoverlabel = { bgcolor: color("paper"), bordercolor: color("soft"), font: { color: color("ink") }, align: "left" };
    copy.modebar = { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("ink") };
    // a finger scrolls the page; only a mouse draws a zoom box
    copy.dragmode = touch.matches ? false : "zoom";
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      const lines = { gridcolor: color("line"), linecolor: color("soft"), zerolinecolor: color("line") };
      copy[key] = { ...layout[key], ...lines, title: { ...layout[key].title, font: { size } } };
    }
    return copy;
  }

  // --- drawing ---

  function draw(id) {
    const box = document.getElementById(`figure-${id}`);
    if (box.closest("[hidden]")) return;
    const { data, layout } = figures[id];
    const choice = { ...chosen(), ...own(id) };
    const color = theme();
    const traces = data.map((trace) => ({ ...inked(trace, color), visible: shown(trace.meta, choice) }));
    const width = printing ? PRINTED[box.closest(".panels") ? "panel" : "page"] : box.clientWidth;
    const config = { displaylogo: false, displayModeBar: touch.matches ? false : "hover", modeBarButtons: [["toImage", "resetScale2d"]] };
    Plotly.react(box, traces, dressed(layout, color, width), config);
  }

  function drawAll() {
    // a heading that is gone to stops below the choices, however many rows they take
    root.style.scrollPaddingTop = `${choices.offsetHeight + 8}px`;
    Object.keys(figures).forEach(draw);
  }

  function choose() {
    const choice = chosen();
    for (const element of all("[data-policy], [data-world]")) {
      // on paper, where nobody can choose, tables are whole, and what figures leave out is told
      element.hidden = !(printing && element.closest("table")) && !shown({ ...element.dataset }, choice);
    }
    for (const element of all(".world-shown")) element.textContent = [...choice.world][0];
    const left = all('input[name="policy"]:not(:checked)').map((input) => input.value);
    notDrawn.textContent = left.length ? `Not drawn in the figures, by choice of the reader: ${left.join(", ")}.` : "";
    drawAll();
  }

  // --- light and dark ---

  const kept = {
    get: () => { try { return localStorage.getItem("ecodecide-theme"); } catch { return null; } },
    set: (name) => { try { localStorage.setItem("ecodecide-theme", name); } catch { /* this page alone remembers */ } },
  };
  const THEMES = ["auto", "light", "dark"];
  const button = document.getElementById("theme");

  function dress(name) {
    root.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
  }

  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    dress(next);
    kept.set(next);
    drawAll();
  });
  dark.addEventListener("change", drawAll);

  // --- printing: light, as wide as the paper, with everything unfolded that the paper should show ---

  function setPrinting(on) {
    if (printing === on) return;
    printing = on;
    for (const details of all("details[data-printed]")) {
      if (on) details.dataset.was = details.open ? "open" : "";
      details.open = on || details.dataset.was === "open";
    }
    choose();
  }
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  print.addEventListener("change", (event) => setPrinting(event.matches));

  // --- controls ---

  all('input[name="policy"], input[name="world"]').forEach((input) => input.addEventListener("change", choose));

  function tell(control) {
    const output = document.querySelector(`output[for="${control.id}"]`);
    const value = valueOf(control);
    if (output) output.textContent = value;
    if (control.type === "range") control.setAttribute("aria-valuetext", value);
  }
  for (const control of all("[data-chooses]")) {
    control.addEventListener("input", () => { tell(control); drawnBy(control).forEach(draw); });
    tell(control);
  }

  let waiting = 0;
  let before = root.clientWidth;
  addEventListener("resize", () => {
    // a phone that hides its address bar changes the height alone
    if (root.clientWidth === before) return;
    before = root.clientWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  });

  dress(THEMES.includes(kept.get()) ? kept.get() : "auto");
  all(".needs-program").forEach((element) => { element.hidden = false; });
  choose();
  root.dataset.drawn = "";
})();

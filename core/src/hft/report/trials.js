"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = document.getElementById("charts");
  const controls = document.getElementById("controls");
  const LEFT = 84, RIGHT = 16, TOP = 10, BOTTOM = 42, HEIGHT = 280;
  const SVG = "http://www.w3.org/2000/svg";
  let search = 0, across = 0, up = Math.min(1, data.axes.length - 1);

  // -- numbers ----------------------------------------------------------------------------------
  const shown = (value) => Number(value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 10 });
  const niceStep = (span, count) => {
    const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw * (1 - 1e-9));
  };
  // A scale has `part(value)`, from 0 to 1, and `ticks`, pairs of a value and its text.
  const numbers = (values) => {
    let low = Math.min(...values), high = Math.max(...values);
    if (!values.length) [low, high] = [0, 1];
    const pad = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
    low -= pad;
    high += pad;
    const step = niceStep(high - low, 6), ticks = [];
    for (let n = Math.ceil(low / step); n * step <= high; n++) ticks.push([n * step, shown(n * step)]);
    return { part: (value) => (value - low) / (high - low), ticks };
  };
  const magnitudes = (values) => {
    const scale = numbers(values.map(Math.log10));
    return {
      part: (value) => scale.part(Math.log10(value)),
      ticks: scale.ticks.map(([at]) => [10 ** at, shown(Number((10 ** at).toPrecision(2)))]),
    };
  };
  const scaleOf = (axis, values) => {
    if (!axis.choices.length) return axis.log ? magnitudes(values) : numbers(values);
    return {
      part: (value) => (value + 0.5) / axis.choices.length,
      ticks: axis.choices.map((text, index) => [index, text.length > 14 ? `${text.slice(0, 13)}…` : text]),
    };
  };

  // -- one plot ---------------------------------------------------------------------------------
  const make = (name, attributes, parent, text = "") => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  function plot(title, x, y, names, dots, line = []) {
    const panel = document.createElement("div");
    panel.className = "panel";
    const heading = document.createElement("h2");
    heading.textContent = title;
    panel.append(heading);
    charts.append(panel);
    const width = Math.max(320, panel.clientWidth - 28);
    const svg = make("svg", { width, height: HEIGHT, role: "img", "aria-label": title, class: "dots" }, panel);
    const left = (value) => LEFT + x.part(value) * (width - LEFT - RIGHT);
    const top = (value) => TOP + (1 - y.part(value)) * (HEIGHT - TOP - BOTTOM);
    for (const [at, text] of x.ticks) {
      make("line", { x1: left(at), x2: left(at), y1: TOP, y2: HEIGHT - BOTTOM }, svg);
      make("text", { x: left(at), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, svg, text);
    }
    for (const [at, text] of y.ticks) {
      make("line", { x1: LEFT, x2: width - RIGHT, y1: top(at), y2: top(at) }, svg);
      make("text", { x: LEFT - 8, y: top(at) + 4, "text-anchor": "end" }, svg, text);
    }
    make("text", { x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, svg, names[0]);
    make("text", { x: -(HEIGHT - BOTTOM) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle" }, svg, names[1]);
    if (line.length > 1) {
      make("polyline", { points: line.map(([at, value]) => `${left(at)},${top(value)}`).join(" ") }, svg);
    }
    for (const { dot, at, value, color } of dots) {
      const mark = make("circle", { cx: left(at), cy: top(value), r: 5, fill: color, tabindex: 0 }, svg);
      if (!dot.keeps) { mark.setAttribute("fill", "none"); mark.setAttribute("stroke", color); }
      make("title", {}, mark, describe(dot));
    }
    return { svg, left };
  }

  const valueText = (axis, value) => axis.choices.length ? axis.choices[value] : shown(value);
  const describe = (dot) => [
    `trial ${dot.number}`,
    dot.objective === null ? `failed: ${dot.note}` : `${data.objective} ${shown(dot.objective)}`,
    ...(dot.objective !== null && !dot.keeps ? ["violates a constraint"] : []),
    ...data.axes.map((axis, index) => `${axis.name} ${valueText(axis, dot.values[index])}`),
  ].join("\n");

  // -- what is shown ----------------------------------------------------------------------------
  function draw() {
    charts.replaceChildren();
    const all = data.dots.filter((dot) => dot.search === search);
    const done = all.filter((dot) => dot.objective !== null);
    if (!done.length) {
      charts.innerHTML = "<section>No trial has come to its end.</section>";
      return;
    }
    const objectives = done.map((dot) => dot.objective);
    const y = numbers(objectives);
    const better = (one, other) => data.maximise ? one > other : one < other;

    let best = null;
    const line = [];
    for (const dot of done) {
      if (dot.keeps && (best === null || better(dot.objective, best))) best = dot.objective;
      if (best !== null) line.push([dot.number, best]);
    }
    const dots = done.map((dot) => ({ dot, at: dot.number, value: dot.objective, color: "var(--blue)" }));
    const x = numbers(all.map((dot) => dot.number));
    const { svg, left } = plot("Objective over trials", x, y, ["trial", data.objective], dots, line);
    for (const dot of all.filter((each) => each.objective === null)) {
      const mark = make("text", { x: left(dot.number), y: HEIGHT - BOTTOM - 3, class: "failed", "text-anchor": "middle" }, svg, "×");
      make("title", {}, mark, describe(dot));
    }

    data.axes.forEach((axis, index) => {
      const scale = scaleOf(axis, done.map((dot) => dot.values[index]));
      const here = done.map((dot) => ({ dot, at: dot.values[index], value: dot.objective, color: "var(--blue)" }));
      plot(axis.name, scale, y, [axis.name, data.objective], here);
    });

    if (data.axes.length > 1) {
      const sorted = [...objectives].sort((a, b) => data.maximise ? a - b : b - a);
      const rank = (value) => Math.round(100 * sorted.lastIndexOf(value) / Math.max(1, sorted.length - 1));
      const pair = done.map((dot) => ({
        dot, at: dot.values[across], value: dot.values[up],
        color: `color-mix(in oklab, var(--blue) ${rank(dot.objective)}%, var(--orange))`,
      }));
      const [right, above] = [data.axes[across], data.axes[up]];
      plot("Pair of parameters, from the worst (orange) to the best (blue)",
        scaleOf(right, pair.map((each) => each.at)), scaleOf(above, pair.map((each) => each.value)),
        [right.name, above.name], pair);
    }
  }

  function choose(title, names, selected, show) {
    if (names.length < 2) return;
    const label = document.createElement("label"), select = document.createElement("select");
    names.forEach((name, number) => select.add(new Option(name, String(number), false, number === selected)));
    select.onchange = () => { show(Number(select.value)); draw(); };
    label.append(`${title} `, select);
    controls.append(label);
  }

  const names = data.axes.map((axis) => axis.name);
  choose("search", data.searches, search, (number) => { search = number; });
  choose("pair: across", names, across, (number) => { across = number; });
  choose("up", names, up, (number) => { up = number; });
  draw();
  let width = charts.clientWidth;
  new ResizeObserver(() => {
    if (charts.clientWidth !== width) { width = charts.clientWidth; draw(); }
  }).observe(charts);
})();

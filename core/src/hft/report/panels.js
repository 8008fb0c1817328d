"use strict";
// What pages with series over time draw with: `draw(show)` calls `show(Panel)`, which makes
// the panels and returns what shows an instrument and a currency in them.
function draw(show) {
  const data = JSON.parse(document.getElementById("data").textContent);
  const times = data.t;
  const charts = document.getElementById("charts");
  const controls = document.getElementById("controls");
  if (times.length < 2) {
    charts.innerHTML = '<section>Too little time has passed to draw anything.</section>';
    return;
  }
  const whole = [times[0], times[times.length - 1]];
  let view = whole.slice();
  let hover = null; // seconds, the same in every chart
  const panels = [];
  const LEFT = 78, RIGHT = 12, TOP = 8, BOTTOM = 24;

  // -- numbers and times ------------------------------------------------------------------------
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const before = (list, x) => { // index of the last entry that is not behind x, -1 if there is none
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] <= x) low = middle + 1; else high = middle;
    }
    return low - 1;
  };
  const digitsOf = (step) => Math.min(10, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const niceStep = (span, count) => {
    const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw * (1 - 1e-9));
  };
  const format = (value, digits) => // adding 0 makes 0 of -0
    (value + 0).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const shown = (value) => {
    if (value === null || value === undefined) return "-";
    const size = Math.abs(value);
    return format(value, size >= 1000 ? 2 : size >= 1 ? 4 : 6);
  };
  const TIME_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000];
  const clock = (seconds, step) => {
    const text = new Date(data.startMs + seconds * 1000).toISOString();
    if (step >= 86400) return text.slice(0, 10);
    return step >= 60 ? text.slice(5, 16).replace("T", " ") : step >= 1 ? text.slice(11, 19) : text.slice(11, 23);
  };

  // -- one chart --------------------------------------------------------------------------------
  class Panel {
    constructor(title, height) {
      this.series = [];
      this.marks = [];
      this.root = document.createElement("div");
      this.root.className = "panel";
      this.root.innerHTML = '<h2></h2><span class="legend"></span><div class="plot"><canvas></canvas>'
        + '<canvas tabindex="0" role="img"></canvas><div class="tip"></div></div>';
      this.heading = this.root.querySelector("h2");
      this.legend = this.root.querySelector(".legend");
      this.plot = this.root.querySelector(".plot");
      this.plot.style.height = `${height}px`;
      [this.canvas, this.over] = this.root.querySelectorAll("canvas");
      this.tip = this.root.querySelector(".tip");
      this.name(title);
      this.listen();
      charts.append(this.root);
      panels.push(this);
    }

    name(title) {
      this.heading.textContent = title;
      this.over.setAttribute("aria-label", title);
    }

    // Each of `series` is {name, color, values, step, area}.
    show(series, marks = []) {
      const hidden = new Set(this.series.filter((each) => each.hidden).map((each) => each.name));
      this.series = series.map((each) => ({ ...each, hidden: hidden.has(each.name) }));
      this.marks = marks;
      this.markTimes = marks.map((mark) => mark[0]);
      this.legend.replaceChildren(...this.series.map((each) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", String(!each.hidden));
        button.innerHTML = '<span class="swatch"></span><span></span>';
        button.firstChild.style.background = `var(--${each.color})`;
        button.onclick = () => {
          each.hidden = !each.hidden;
          button.setAttribute("aria-pressed", String(!each.hidden));
          this.draw();
        };
        each.label = button.lastChild;
        return button;
      }));
      this.draw();
    }

    size() {
      const { width, height } = this.plot.getBoundingClientRect();
      return { width, height };
    }

    begin(canvas) {
      const { width, height } = this.size(), ratio = window.devicePixelRatio || 1;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.font = "12px system-ui, sans-serif";
      return { pen, width, height };
    }

    x(seconds, width) {
      return LEFT + (seconds - view[0]) / (view[1] - view[0]) * (width - LEFT - RIGHT);
    }

    seconds(x, width) {
      return view[0] + (x - LEFT) / (width - LEFT - RIGHT) * (view[1] - view[0]);
    }

    y(value, height) {
      return TOP + (this.high - value) / (this.high - this.low) * (height - TOP - BOTTOM);
    }

    visible() { // the first and last index to draw, with the neighbours outside
      return [Math.max(0, before(times, view[0])), Math.min(times.length - 1, before(times, view[1]) + 1)];
    }

    visibleMarks() {
      return [before(this.markTimes, view[0] - 1e-9) + 1, before(this.markTimes, view[1])];
    }

    scale() {
      const [first, last] = this.visible();
      let low = Infinity, high = -Infinity;
      for (const each of this.series) {
        if (each.hidden) continue;
        if (each.area || each.zero) { low = Math.min(low, 0); high = Math.max(high, 0); }
        for (let i = first; i <= last; i++) {
          const value = each.values[i];
          if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
        }
      }
      const [firstMark, lastMark] = this.visibleMarks();
      for (let i = firstMark; i <= lastMark; i++) {
        low = Math.min(low, this.marks[i][2]);
        high = Math.max(high, this.marks[i][2]);
      }
      if (low > high) [low, high] = [0, 1];
      const pad = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
      this.low = low - pad;
      this.high = high + pad;
    }

    draw() {
      this.scale();
      const { pen, width, height } = this.begin(this.canvas);
      this.axes(pen, width, height);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM);
      pen.clip();
      for (const each of this.series) if (!each.hidden) this.line(pen, each, width, height);
      this.drawMarks(pen, width, height);
      pen.restore();
      this.point();
    }

    axes(pen, width, height) {
      pen.strokeStyle = color("grid");
      pen.fillStyle = color("faint");
      pen.lineWidth = 1;
      const step = niceStep(this.high - this.low, Math.max(3, height / 42)), digits = digitsOf(step);
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (let n = Math.ceil(this.low / step); n * step <= this.high; n++) {
        const y = Math.round(this.y(n * step, height)) + 0.5;
        if (n === 0) pen.strokeStyle = color("faint");
        pen.beginPath(); pen.moveTo(LEFT, y); pen.lineTo(width - RIGHT, y); pen.stroke();
        pen.strokeStyle = color("grid");
        pen.fillText(format(n * step, digits), LEFT - 8, y);
      }
      const span = view[1] - view[0], room = Math.max(2, (width - LEFT - RIGHT) / 120);
      const every = TIME_STEPS.find((each) => span / each <= room) || TIME_STEPS[TIME_STEPS.length - 1];
      const offset = (data.startMs / 1000) % every;
      pen.textAlign = "center";
      pen.textBaseline = "top";
      for (let n = Math.ceil((view[0] + offset) / every); n * every - offset <= view[1]; n++) {
        const at = n * every - offset, x = Math.round(this.x(at, width)) + 0.5;
        pen.beginPath(); pen.moveTo(x, TOP); pen.lineTo(x, height - BOTTOM); pen.stroke();
        pen.fillText(clock(at, every), Math.min(Math.max(x, LEFT + 30), width - 40), height - BOTTOM + 7);
      }
    }

    line(pen, each, width, height) {
      const [first, last] = this.visible();
      pen.strokeStyle = pen.fillStyle = color(each.color);
      pen.lineWidth = each.thick ? 2 : 1.4;
      pen.beginPath();
      let open = false, previous = 0;
      for (let i = first; i <= last; i++) {
        const value = each.values[i];
        if (value === null) { open = false; continue; }
        const x = this.x(times[i], width), y = this.y(value, height);
        if (!open) pen.moveTo(x, y);
        else if (each.step) { pen.lineTo(x, previous); pen.lineTo(x, y); }
        else pen.lineTo(x, y);
        open = true;
        previous = y;
      }
      pen.stroke();
      if (each.area) {
        pen.lineTo(this.x(times[last], width), this.y(0, height));
        pen.lineTo(this.x(times[first], width), this.y(0, height));
        pen.globalAlpha = 0.18;
        pen.fill();
        pen.globalAlpha = 1;
      }
    }

    drawMarks(pen, width, height) {
      const [first, last] = this.visibleMarks();
      const size = last - first > 300 ? 3 : 5;
      for (let i = first; i <= last; i++) {
        const [at, side, price, , maker, whose] = this.marks[i];
        const x = this.x(at, width), y = this.y(price, height);
        pen.beginPath();
        pen.moveTo(x, y - side * size); // a triangle upwards is a buy
        pen.lineTo(x - size, y + side * size);
        pen.lineTo(x + size, y + side * size);
        pen.closePath();
        pen.fillStyle = pen.strokeStyle = color(whose ? whose.color : side > 0 ? "green" : "red");
        pen.lineWidth = 1;
        if (maker) pen.fill();
        pen.stroke();
      }
    }

    point() { // the line under the pointer, and the values there
      const { pen, width, height } = this.begin(this.over);
      const at = hover === null ? view[1] : hover;
      const index = Math.max(0, before(times, at));
      for (const each of this.series) each.label.textContent = `${each.name} ${shown(each.values[index])}`;
      if (this.dragging) {
        const [from, to] = this.dragging.map((each) => this.x(each, width));
        pen.fillStyle = color("blue");
        pen.globalAlpha = 0.15;
        pen.fillRect(from, TOP, to - from, height - TOP - BOTTOM);
        pen.globalAlpha = 1;
      }
      if (hover === null || hover < view[0] || hover > view[1]) return;
      const x = Math.round(this.x(hover, width)) + 0.5;
      pen.strokeStyle = color("faint");
      pen.setLineDash([3, 3]);
      pen.beginPath(); pen.moveTo(x, TOP); pen.lineTo(x, height - BOTTOM); pen.stroke();
      pen.setLineDash([]);
      pen.fillStyle = color("card");
      pen.fillRect(x - 42, height - BOTTOM + 3, 84, 18);
      pen.fillStyle = color("ink");
      pen.textAlign = "center";
      pen.textBaseline = "top";
      pen.fillText(clock(hover, 0.001), x, height - BOTTOM + 7);
    }

    showTip(x, y, width, height) {
      let best = null, nearest = 14;
      const [first, last] = this.visibleMarks();
      for (let i = first; i <= last; i++) {
        const far = Math.hypot(this.x(this.marks[i][0], width) - x, this.y(this.marks[i][2], height) - y);
        if (far < nearest) { nearest = far; best = this.marks[i]; }
      }
      this.tip.style.display = best ? "block" : "none";
      if (!best) return;
      const [at, side, price, size, maker, whose] = best;
      this.tip.textContent =
        `${whose ? `${whose.name}: ` : ""}${side > 0 ? "bought" : "sold"} ${size} at ${price} as ${maker ? "maker" : "taker"}, ${clock(at, 0.001)}`;
      this.tip.style.left = `${Math.min(x + 12, width - this.tip.offsetWidth - 4)}px`;
      this.tip.style.top = `${Math.max(0, y - 34)}px`;
    }

    listen() {
      const over = this.over;
      const where = (event) => {
        const { width, height } = this.size(), box = over.getBoundingClientRect();
        const x = event.clientX - box.left, y = event.clientY - box.top;
        const at = Math.min(Math.max(this.seconds(x, width), view[0]), view[1]);
        return { x, y, width, height, at };
      };
      over.addEventListener("pointermove", (event) => {
        const { x, y, width, height, at } = where(event);
        hover = at;
        if (this.dragging) this.dragging[1] = at;
        this.showTip(x, y, width, height);
        panels.forEach((panel) => panel.point());
      });
      over.addEventListener("pointerleave", () => {
        hover = null;
        this.tip.style.display = "none";
        panels.forEach((panel) => panel.point());
      });
      over.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || event.pointerType === "touch") return;
        over.setPointerCapture(event.pointerId);
        const { at } = where(event);
        this.dragging = [at, at];
      });
      over.addEventListener("pointerup", () => {
        if (!this.dragging) return;
        const [from, to] = this.dragging.slice().sort((a, b) => a - b);
        this.dragging = null;
        const { width } = this.size();
        if (this.x(to, width) - this.x(from, width) > 6) look(from, to); else this.point();
      });
      over.addEventListener("dblclick", () => look(...whole));
      over.addEventListener("keydown", (event) => {
        const span = view[1] - view[0], middle = (view[0] + view[1]) / 2;
        const keys = {
          ArrowLeft: [view[0] - span / 4, view[1] - span / 4],
          ArrowRight: [view[0] + span / 4, view[1] + span / 4],
          "+": [middle - span / 4, middle + span / 4],
          "-": [middle - span, middle + span],
          0: whole,
        };
        if (event.key in keys) {
          event.preventDefault();
          look(...keys[event.key]);
        }
      });
    }
  }

  function look(from, to) {
    const span = Math.min(Math.max(to - from, 1e-3), whole[1] - whole[0]);
    const start = Math.min(Math.max(from, whole[0]), whole[1] - span);
    view = [start, start + span];
    panels.forEach((panel) => panel.draw());
  }

  // -- choosing -------------------------------------------------------------------------------
  function choose(title, list, show) {
    if (!list.length) return;
    show(list[0]);
    if (list.length < 2) return;
    const label = document.createElement("label"), select = document.createElement("select");
    list.forEach((each, number) => select.add(new Option(each.name, String(number))));
    select.onchange = () => show(list[Number(select.value)]);
    label.append(`${title} `, select);
    controls.prepend(label);
  }

  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "whole time";
  all.onclick = () => look(...whole);
  controls.prepend(all);
  const [showInstrument, showCurrency] = show(Panel);
  choose("currency", data.currencies, showCurrency);
  choose("instrument", data.instruments, showInstrument);
  new ResizeObserver(() => panels.forEach((panel) => panel.draw())).observe(charts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panels.forEach((panel) => panel.draw()));
}

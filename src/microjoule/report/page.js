// The screen of the page: numbers come from the trace, and every update is drawn exactly once zoomed in.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement, screen = $("screen"), overview = $("overview"), where = $("where");
  const GUTTER = 62, FOOT = 26, TOP = 8, LEAST_NS = 1000;

  // ---- light and dark
  const wished = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null, printing = false;
  const isDark = () => !printing && (chosen ?? (wished.matches ? "dark" : "light")) === "dark";
  const dress = () => { root.dataset.theme = isDark() ? "dark" : "light"; };
  dress();
  $("theme").onclick = () => { chosen = isDark() ? "light" : "dark"; dress(); refresh(); };
  wished.addEventListener("change", () => { dress(); refresh(); });
  addEventListener("beforeprint", () => { printing = true; dress(); paint(); });
  addEventListener("afterprint", () => { printing = false; dress(); refresh(); });

  let channels = [], rows = [];
  const length = Math.max(data.length_ns, 1);
  let view = [0, length], span = null, hover = null, over = null, isFull = false, queued = false, barsTop = 0;

  const lanes = () => [...new Set(channels.filter((c) => c.shown).map((c) => c.unit))]
    .sort((a, b) => (b === "W") - (a === "W"));
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const hue = (c) => (isDark() ? DARK : HUES)[c.number % HUES.length];

  function fitted(canvas, height) {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth || 600;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.font = "11.5px system-ui, sans-serif";
    ctx.fillStyle = colour("--screen"); ctx.fillRect(0, 0, width, height);
    return [ctx, width];
  }

  function pen(ctx, width, [a, b]) {
    const x = (t) => GUTTER + (t - a) / (b - a) * (width - GUTTER);
    return { ctx, view: [a, b], x, x0: GUTTER, x1: width, hue, colour };
  }

  function boxes() {
    const units = lanes(), tall = innerWidth < 640 ? 210 : 320;
    let top = TOP;
    return units.map((unit) => {
      const height = unit === "W" || units.length === 1 ? tall : 92, box = { unit, top, bottom: top + height };
      top += height + 10;
      return box;
    });
  }

  function paint() {
    queued = false;
    if (!channels.length) return;  // a resize or a print before the numbers are unpacked
    const all = boxes(), bottom = all.length ? all.at(-1).bottom : 120;
    barsTop = bottom + 6;
    const end = rows.length ? barsTop + rows.length * ROW : bottom;
    const [ctx, width] = fitted(screen, end + FOOT), the = pen(ctx, width, view), { x } = the;
    drawTimes(the, TOP, end);
    for (const box of all) {
      const mine = channels.filter((c) => c.shown && c.unit === box.unit && c.n);
      const found = mine.map((c) => seen(c, view, width - GUTTER)), scale = axis(found, isFull);
      const y = (v) => Math.max(box.bottom - (v - scale.low) / (scale.high - scale.low) * (box.bottom - box.top), box.top - 4);
      drawValues(the, scale, box, y);
      ctx.textAlign = "left";
      ctx.save(); ctx.beginPath(); ctx.rect(GUTTER, box.top - 1, width - GUTTER, box.bottom - box.top + 2); ctx.clip();
      drawGaps(the, mine, box);
      for (const each of found) drawTrace(the, each, y, y(0));
      ctx.restore();
    }
    drawBars(the, rows, barsTop);
    const band = (from, to, alpha) => {
      ctx.fillStyle = `rgba(${colour("--band")}, ${alpha})`;
      const [l, r] = [Math.max(x(from), GUTTER), Math.min(x(to), width)];
      if (r > GUTTER && l < width) ctx.fillRect(l, TOP, Math.max(r - l, 1), end - TOP);
    };
    if (over) band(over.t0, over.t1, 0.12);
    if (span) band(Math.min(...span), Math.max(...span), 0.2);
    if (hover !== null) { ctx.fillStyle = colour("--ink"); ctx.fillRect(x(hover), TOP, 1, end - TOP); }
    small();
    tell();
  }

  function small() {
    const [ctx, width] = fitted(overview, 44), mine = channels.filter((c) => c.shown && c.unit === lanes()[0] && c.n);
    const the = pen(ctx, width, [0, length]), found = mine.map((c) => seen(c, [0, length], width - GUTTER));
    const { low, high } = axis(found, isFull), y = (v) => Math.max(42 - (v - low) / (high - low) * 38, 0);
    for (const each of found) drawTrace(the, each, y, y(0));
    ctx.fillStyle = `rgba(${colour("--band")}, .16)`;
    ctx.fillRect(the.x(view[0]), 0, Math.max(the.x(view[1]) - the.x(view[0]), 2), 44);
  }

  // ---- what a span and an instant say
  // Between two updates a counter's energy is a difference of whole counts, and so are its bounds. An edge
  // inside an update takes its part of it; the bounds take all of it, or nothing.
  function energy(c, a, b) {
    const from = Math.max(a, c.t[0]), to = Math.min(b, c.t[c.n]);
    if (!(to > from)) return { status: "not read" };
    const i = upTo(c.t, from) - 1, j = upTo(c.t, to) - 1;
    const iUp = c.t[i] < from ? i + 1 : i, jUp = c.t[j] < to ? j + 1 : j;
    const bad = c.gaps.find((gap) => gap.t0_ns < c.t[jUp] && gap.t1_ns > c.t[i]);
    if (bad) return { from, to, status: bad.status };
    if (c.kind !== "counter") {
      const mean = meanOver(c, from, to);
      return { from, to, mean, ...(c.unit === "W" ? { energy: mean * (to - from) / NS } : {}) };
    }
    const part = (k, t) => (k < c.n && t > c.t[k] ? c.value[k] * (t - c.t[k]) / NS : 0);
    const least = (k) => c.sum[k] - c.leastBy[k] - (k ? c.steps[k - 1] : 0);
    const most = (k) => c.sum[k] + c.mostBy[k] + (k < c.n ? c.steps[k] : 0);
    const joules = (c.sum[j] - c.sum[i]) * c.scale_j[0] + part(j, to) - part(i, from);
    return {
      from, to, energy: joules, mean: joules * NS / (to - from),
      low: Math.max(least(j) - most(iUp), 0) * c.scale_j[1], high: (most(jUp) - least(i)) * c.scale_j[2],
    };
  }

  // Half of the 95 % interval, of a window that of the tables. Of any other span a counter's is the sensor's
  // own error, and edges that lie anywhere in the guaranteed interval; a gauge's ends are as sure as those of
  // the whole.
  function halfOf(c, of, ends) {
    if (of.energy === undefined) return NaN;
    if (c.whole_U_j !== null && isSame(c.whole_ns, ends)) return c.whole_U_j;
    const told = tabled(c.trace, ends)?.channels_U_j[c.name];
    if (told !== undefined && told !== null) return told;
    const edges = of.low === undefined ? c.ends_U_j ?? NaN : (of.high - of.low) / Math.sqrt(3);
    return Math.hypot((c.sensor_U ?? 0) * of.energy, edges);
  }
  const isSame = (one, other) => one !== null && one[0] === other[0] && one[1] === other[1];
  const tabled = (trace, ends) => data.tables[trace].find((row) => isSame([row.t0_ns, row.t1_ns], ends));

  // ---- the readout: a table whose cells change and whose size does not
  const cells = new Map();
  function filed(name, dot) {
    const row = $("readout").tBodies[0].insertRow(), head = document.createElement("th");
    head.scope = "row";
    if (dot) head.append(dot);
    head.append(name);
    row.append(head);
    return Array.from({ length: 5 }, () => row.insertCell());
  }
  const write = (into, words) => into.forEach((cell, i) => { if (cell.textContent !== words[i]) cell.textContent = words[i]; });
  const bounds = (of) => (of.low === undefined ? "–" : `${si(of.low, "J", 5)} – ${si(of.high, "J", 5)}`);
  // Energy, ± and mean power: where ± exceeds the energy it is known from above alone.
  function figures(of, half, isWhole) {
    if (!(of.energy >= 0 && of.energy < half)) return [si(of.energy, "J"), spread(half, isWhole), si(of.mean, "W")];
    const most = Math.min(of.energy + half, of.high ?? Infinity);
    return [`at most ${si(most, "J", 2)}`, "", of.energy > 0 ? `at most ${si(most * of.mean / of.energy, "W", 2)}` : "–"];
  }
  const spread = (of, isWhole) => (Number.isFinite(of) ? `${isWhole ? "" : "≥ "}${si(of, "J", 2)}` : "–");

  function instant(c) {
    if (hover === null) return "";
    const i = upTo(c.t, hover) - 1, gap = c.gaps.find((g) => g.t0_ns <= hover && hover < g.t1_ns);
    if (gap) return gap.status;
    if (i < 0 || i >= c.n || !(c.value[i] === c.value[i])) return "not read";
    return si(c.value[i], c.unit) + (c.quiet[i] ? " (mean)" : "");
  }

  // What the readout is about: the span, or what is in view of the time that the trace's sentence is about.
  function measured(c) {
    if (span) return [...span].sort((p, q) => p - q);
    const [t0, t1] = c.whole_ns ?? view;
    return view[0] < t1 && view[1] > t0 ? [Math.max(view[0], t0), Math.min(view[1], t1)] : view;
  }

  function tell() {
    const sums = data.titles.map(() => ({ energy: 0, low: 0, high: 0, half: 0, mean: 0, isWhole: true }));
    for (const c of channels) {
      const ends = measured(c), of = c.n ? energy(c, ...ends) : { status: "not read" };
      const u = halfOf(c, of, ends), isModel = c.provenance === "estimated";
      if (of.status) write(cells.get(c), [instant(c), of.status, "–", "–", "–"]);
      else if (of.energy === undefined) write(cells.get(c), [instant(c), "", "", "", si(of.mean, c.unit)]);
      else {
        const [joules, half, watts] = figures(of, u, c.sensor_U !== null);
        write(cells.get(c), [instant(c), joules, half, isModel ? "–" : bounds(of), watts]);
      }
      if (!c.is_in_total) continue;
      const sum = sums[c.trace];
      sum.isWhole &&= c.sensor_U !== null;
      for (const key of ["energy", "low", "high", "mean"]) sum[key] += of[key] ?? NaN;
      sum.half += u;  // sensors of one device err together: the sum, and not its root
      sum.told = tabled(c.trace, ends)?.total_U_j;
    }
    sums.forEach((sum, number) => {
      if (!cells.has(number)) return;
      const [joules, half, watts] = Number.isFinite(sum.energy) ? figures(sum, sum.told ?? sum.half, sum.isWhole) : ["–", "–", "–"];
      write(cells.get(number), ["", joules, half, Number.isFinite(sum.low) ? bounds(sum) : "–", watts]);
    });
    const [a, b] = measured(channels[0]);
    const what = span ? "span" : "view", at = hover === null ? "" : `; cursor at ${time(hover, 7)}`;
    const bar = over ? `; ${over.name}, ${time(over.t1 - over.t0, 4)}` : "";
    const digits = (t) => Math.min(Math.max(Math.ceil(Math.log10(t / (b - a) + 1e-9)) + 4, 3), 12);
    where.textContent = `${what} ${time(a, digits(a))} – ${time(b, digits(b))}, ${time(b - a, 4)} long${at}${bar}`;
  }

  function overBar(event) {
    const number = Math.floor((event.clientY - screen.getBoundingClientRect().top - barsTop) / ROW), row = rows[number];
    const at = instantOf(event), i = row ? upTo(row.t0, at) - 1 : -1;
    return i >= 0 && row.t1[i] >= at ? { t0: row.t0[i], t1: row.t1[i], name: row.names[row.name[i]] } : null;
  }

  // ---- hands
  function refresh() { if (!queued) { queued = true; requestAnimationFrame(paint); } }
  function show(a, b) {
    const wide = Math.min(Math.max(b - a, LEAST_NS), length), from = Math.min(Math.max(a, 0), length - wide);
    view = [from, from + wide];
    refresh();
  }
  function zoom(by, at = (view[0] + view[1]) / 2) { show(at - (at - view[0]) * by, at + (view[1] - at) * by); }
  function move(part) { const by = (view[1] - view[0]) * part; show(view[0] + by, view[1] + by); }
  const instantOf = (event) => {
    const box = screen.getBoundingClientRect(), part = (event.clientX - box.left - GUTTER) / (box.width - GUTTER);
    return view[0] + Math.min(Math.max(part, 0), 1) * (view[1] - view[0]);
  };

  let held = null;
  screen.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX / 1200);
    else zoom(1.0018 ** event.deltaY, instantOf(event));
  }, { passive: false });
  screen.addEventListener("pointerdown", (event) => {
    screen.setPointerCapture(event.pointerId);
    held = { at: instantOf(event), x: event.clientX, view: [...view], moves: event.shiftKey || event.pointerType === "touch" };
    if (!held.moves) span = null;
    refresh();
  });
  screen.addEventListener("pointermove", (event) => {
    hover = instantOf(event);
    over = held ? null : overBar(event);
    if (held?.moves) {
      const by = (held.x - event.clientX) / (screen.clientWidth - GUTTER) * (held.view[1] - held.view[0]);
      show(held.view[0] + by, held.view[1] + by);
    } else if (held && Math.abs(event.clientX - held.x) > 2) span = [held.at, hover];
    refresh();
  });
  screen.addEventListener("pointerup", (event) => {
    const bar = held && Math.abs(event.clientX - held.x) < 3 ? overBar(event) : null;
    if (bar) { span = [bar.t0, bar.t1]; refresh(); }
    held = null;
    say();
  });
  screen.addEventListener("pointerleave", () => { if (!held) { hover = over = null; refresh(); } });
  screen.addEventListener("dblclick", () => { span = null; show(0, length); });
  // The cursor by the keyboard, and with shift a span from where it was: as a text is selected.
  function cursor(part, isSpan) {
    const at = hover ?? (view[0] + view[1]) / 2, to = Math.min(Math.max(at + (view[1] - view[0]) * part, 0), length);
    if (isSpan) span = [span && hover !== null ? span[0] : at, to];
    hover = to;
    refresh();
    say();
  }
  // For a screen reader, once what is looked at has changed and not with each pixel of a mouse.
  function say() {
    requestAnimationFrame(() => {
      const last = cells.get(0) ?? cells.get(channels[0]);
      $("said").textContent = last ? `${where.textContent}: ${last[1].textContent}, ${last[4].textContent}` : where.textContent;
    });
  }
  const KEYS = {
    ",": () => cursor(-0.01, false), ".": () => cursor(0.01, false),
    p: () => { isFull = !isFull; $("peaks")?.setAttribute("aria-pressed", isFull); refresh(); },
    "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2),
    0: () => show(0, length), Home: () => show(0, length), Escape: () => { span = null; refresh(); },
    Enter: () => { if (span) { const [a, b] = [...span].sort((p, q) => p - q); show(a, b); } },
  };
  screen.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const isArrow = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (event.shiftKey && isArrow) { event.preventDefault(); cursor(event.key === "ArrowLeft" ? -0.01 : 0.01, true); }
    else if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); say(); }
  });
  const jump = (event) => {
    const box = overview.getBoundingClientRect(), half = (view[1] - view[0]) / 2;
    const at = (event.clientX - box.left - GUTTER) / (box.width - GUTTER) * length;
    show(at - half, at + half);
  };
  overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); jump(event); });
  overview.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-t0]");
    if (!button) return;
    const a = Number(button.dataset.t0), b = Number(button.dataset.t1);
    span = [a, b];
    show(a - (b - a) * 0.08, b + (b - a) * 0.08);
    $("scope").scrollIntoView({ block: "nearest" });
    say();
  });
  addEventListener("resize", refresh);

  // ---- begin
  root.dataset.begun = performance.now();
  if (!("DecompressionStream" in window)) { where.textContent = "This browser cannot unpack the picture; the figures below are complete."; return; }
  [channels, rows] = await Promise.all([Promise.all(data.channels.map(prepared)), barRows(data.windows)]);
  if (!channels.length) { where.textContent = "The trace has nothing to draw."; root.dataset.ready = "yes"; return; }
  const button = (words, label, act) => {
    const made = document.createElement("button");
    made.type = "button"; made.append(words); made.onclick = act;
    if (label) made.setAttribute("aria-label", label);
    $("bar").append(made);
    return made;
  };
  const dots = [];
  const dotOf = (c) => { const dot = document.createElement("i"); dots.push([dot, c]); return dot; };
  for (const c of channels) {
    const made = button("", "", () => { c.shown = !c.shown; made.setAttribute("aria-pressed", c.shown); refresh(); });
    made.className = "channel"; made.setAttribute("aria-pressed", "true");
    made.append(dotOf(c), c.id);
    if (c.provenance === "estimated") { const mark = document.createElement("em"); mark.textContent = "estimated"; made.append(mark); }
    cells.set(c, filed(c.id, dotOf(c)));
  }
  data.titles.forEach((title, number) => {
    if (channels.filter((c) => c.is_in_total && c.trace === number).length < 2) return;
    cells.set(number, filed(data.titles.length > 1 ? `${title}: total` : "total"));
    $("readout").tBodies[0].rows[cells.size - 1].className = "total";
  });
  const space = document.createElement("span");
  space.className = "space";
  $("bar").append(space);
  const peaks = button("peaks", "scale with the highest single update", KEYS.p);
  peaks.id = "peaks"; peaks.setAttribute("aria-pressed", "false");
  button("−", "zoom out", () => zoom(1 / 0.6));
  button("+", "zoom in", () => zoom(0.6));
  button("all", "show everything", () => show(0, length));
  const dyed = () => { for (const [dot, c] of dots) dot.style.background = hue(c); };
  new MutationObserver(dyed).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  dyed();
  paint();
  root.dataset.ready = "yes";
  window.microjoule = { channels, rows, energy, show, view: () => view };
})();

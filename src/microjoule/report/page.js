// The screen of the page: numbers come from the trace, and every update is drawn exactly once zoomed in.
// Where several updates share a column of pixels, their least, most and mean power are drawn.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement, screen = $("screen"), overview = $("overview"), readout = $("readout");
  const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A97A00", "#56B4E9", "#7A5BC7", "#5F6B7A"];
  const DARK = ["#56B4E9", "#FF8A3D", "#2BC79A", "#E79BC4", "#F0C33C", "#9CD3F5", "#B39DF0", "#A7B3C2"];
  const DASH = [[], [6, 3], [2, 2]];
  const GUTTER = 62, FOOT = 26, TOP = 8, LEAST_NS = 1000;

  // ---- light and dark
  const wished = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null, printing = false;
  const isDark = () => !printing && (chosen ?? (wished.matches ? "dark" : "light")) === "dark";
  const dress = () => { root.dataset.theme = isDark() ? "dark" : "light"; };
  dress();
  $("theme").onclick = () => { chosen = isDark() ? "light" : "dark"; dress(); refresh(); };
  wished.addEventListener("change", () => { dress(); refresh(); });
  addEventListener("beforeprint", () => { printing = true; for (const each of document.querySelectorAll("details")) each.open = true; dress(); paint(); });
  addEventListener("afterprint", () => { printing = false; dress(); refresh(); });

  let channels = [];
  const length = Math.max(data.length_ns, 1);
  let view = [0, length], span = null, hover = null, queued = false;

  const lanes = () => [...new Set(channels.filter((c) => c.shown).map((c) => c.unit))]
    .sort((a, b) => (b === "W") - (a === "W"));

  function fitted(canvas, height) {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth || 600;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.font = "11.5px system-ui, sans-serif";
    return [ctx, width];
  }
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const hue = (c) => (isDark() ? DARK : HUES)[c.number % HUES.length];

  function laneTop(of, a, b) {
    let low = 0, high = 0;
    for (const c of of) {
      const [l, h] = extremes(c, Math.max(upTo(c.t, a) - 1, 0), Math.min(upTo(c.t, b), c.n));
      if (l < low) low = l;
      if (h > high) high = h;
    }
    const rule = step((high - low || 1) * 1.04, 4);
    return [Math.floor(low / rule) * rule, Math.ceil((high * 1.02 || 1) / rule) * rule, rule];
  }

  // One channel between a and b into a box: exact steps, or per pixel the envelope and the mean.
  function trace(ctx, c, [a, b], x0, x1, yOf) {
    const first = Math.max(upTo(c.t, a) - 1, 0), last = Math.min(upTo(c.t, b), c.n), width = x1 - x0;
    const x = (t) => x0 + Math.min(Math.max((t - a) / (b - a), -0.01), 1.01) * width;
    ctx.strokeStyle = ctx.fillStyle = hue(c);
    ctx.lineWidth = 1.4;
    ctx.setLineDash(DASH[(c.number / HUES.length | 0) % DASH.length]);
    ctx.beginPath();
    let down = false;
    const quiet = [];
    if (last - first <= width * 1.5) {
      for (let i = first; i < last; i++) {
        const v = c.value[i];
        if (v !== v) { down = false; continue; }
        const y = yOf(v);
        if (c.quiet[i]) { quiet.push([x(c.t[i]), x(c.t[i + 1]), y]); down = false; continue; }
        if (down) ctx.lineTo(x(c.t[i]), y); else ctx.moveTo(x(c.t[i]), y);
        ctx.lineTo(x(c.t[i + 1]), y);
        down = true;
      }
      ctx.stroke();
    } else {
      const columns = Math.floor(width), per = (b - a) / columns, means = [];
      ctx.globalAlpha = 0.32;
      let i = first;
      for (let column = 0; column < columns; column++) {
        const end = a + per * (column + 1);
        let j = upTo(c.t, end) - 1;
        j = Math.min(Math.max(j, i), c.n - 1);
        const [low, high] = extremes(c, i, Math.min(j + 1, last)), known = c.known[j + 1] - c.known[i];
        if (high >= low) ctx.fillRect(x0 + column, yOf(high), 1, Math.max(yOf(low) - yOf(high), 0.8));
        const mean = known ? (c.area[j + 1] - c.area[i]) / known : NaN, still = i === j && c.quiet[i];
        if (still) quiet.push([x0 + column, x0 + column + 1, yOf(mean)]);
        means.push(still ? NaN : mean);
        i = j;
      }
      ctx.globalAlpha = 1;
      means.forEach((v, column) => {
        if (v !== v) { down = false; return; }
        if (down) ctx.lineTo(x0 + column + 0.5, yOf(v)); else ctx.moveTo(x0 + column + 0.5, yOf(v));
        down = true;
      });
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const [l, r, y] of quiet) for (let at = Math.ceil(l / 6) * 6; at < r; at += 6) { ctx.moveTo(at, y); ctx.lineTo(at + 2, y); }
    ctx.stroke();
    ctx.globalAlpha = 0.1;
    for (const [l, r, y] of quiet) ctx.fillRect(l, y, r - l, Math.max(yOf(0) - y, 0));
    ctx.globalAlpha = 1;
  }

  function hatch(ctx, x, y, w, h, words) {
    ctx.save();
    ctx.beginPath(); ctx.rect(x, y, w, h); ctx.clip();
    ctx.strokeStyle = ctx.fillStyle = colour("--gap");
    ctx.globalAlpha = 0.55; ctx.lineWidth = 1; ctx.beginPath();
    for (let at = x - h; at < x + w; at += 7) { ctx.moveTo(at, y + h); ctx.lineTo(at + h, y); }
    ctx.stroke();
    ctx.globalAlpha = 1;
    if (w > ctx.measureText(words).width + 6) ctx.fillText(words, x + 4, y + h - 6);
    ctx.restore();
  }

  function windowsIn(ctx, [a, b], x, top, bottom) {
    let right = -1, row = 0;
    for (const w of data.windows) {
      if (w.t1_ns < a || w.t0_ns > b) continue;
      const l = Math.max(x(w.t0_ns), GUTTER), r = Math.max(x(w.t1_ns), l + 1);
      ctx.fillStyle = `rgba(${colour("--band")}, .07)`; ctx.fillRect(l, top, r - l, bottom - top);
      ctx.fillStyle = `rgba(${colour("--band")}, .55)`;
      for (const edge of r - l > 4 ? [w.t0_ns, w.t1_ns] : []) if (edge >= a && edge <= b) ctx.fillRect(x(edge), top, 1, bottom - top);
      row = l < right ? (row + 1) % 3 : 0;
      right = Math.max(right, Math.min(r, l + 90));
      if (r - l > 26) {
        ctx.save(); ctx.beginPath(); ctx.rect(l, top, r - l - 3, 46); ctx.clip();
        ctx.fillStyle = colour("--soft"); ctx.textAlign = "left"; ctx.fillText(w.name, l + 4, top + 13 + row * 14);
        ctx.restore();
      }
    }
  }

  function timeAxis(ctx, [a, b], x, y, width) {
    const rule = step(b - a, Math.max(2, width / 110)), base = b > (b - a) * 2e4 ? Math.floor(a / rule) * rule : 0;
    ctx.textAlign = "center";
    for (let t = Math.ceil(a / rule) * rule; t <= b; t += rule) {
      ctx.fillStyle = colour("--grid"); ctx.fillRect(x(t), TOP, 1, y - TOP);
      ctx.fillStyle = colour("--soft");
      ctx.fillText((base ? "+" : "") + time(Math.round((t - base) / rule) * rule, 7), Math.min(x(t), x(b) - 24), y + 16);
    }
    if (base) { ctx.textAlign = "left"; ctx.fillText(time(base, 13), 2, y + 16); }
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
    if (!channels.length) { readout.textContent = "The trace has nothing to draw."; return; }
    const all = boxes(), bottom = all.length ? all.at(-1).bottom : 120;
    const [ctx, width] = fitted(screen, bottom + FOOT), [a, b] = view;
    const x = (t) => GUTTER + (t - a) / (b - a) * (width - GUTTER);
    ctx.fillStyle = colour("--screen"); ctx.fillRect(0, 0, width, bottom + FOOT);
    timeAxis(ctx, view, x, bottom, width - GUTTER);
    windowsIn(ctx, view, x, TOP, bottom);
    for (const box of all) {
      const mine = channels.filter((c) => c.shown && c.unit === box.unit), [low, high, rule] = laneTop(mine, a, b);
      const y = (v) => box.bottom - (v - low) / (high - low) * (box.bottom - box.top);
      ctx.textAlign = "right";
      for (let v = low; v <= high + rule / 2; v += rule) {
        ctx.fillStyle = colour(v ? "--grid" : "--line"); ctx.fillRect(GUTTER, Math.round(y(v)), width - GUTTER, 1);
        ctx.fillStyle = colour("--soft");
        ctx.fillText(si(Math.round(v / rule) * rule, box.unit), GUTTER - 7, Math.min(Math.max(y(v) + 4, box.top + 9), box.bottom));
      }
      ctx.textAlign = "left";
      ctx.save(); ctx.beginPath(); ctx.rect(GUTTER, box.top - 1, width - GUTTER, box.bottom - box.top + 2); ctx.clip();
      const strip = Math.min(18, (box.bottom - box.top) / Math.max(mine.length, 1));
      mine.forEach((c, at) => {
        for (let g = upTo(c.gapEnds, a); g < c.gaps.length && c.gaps[g].t0_ns < b; g++) {
          const gap = c.gaps[g], l = Math.max(x(gap.t0_ns), GUTTER), r = Math.min(x(gap.t1_ns), width);
          if (r - l < 6) { ctx.fillStyle = colour("--gap"); ctx.fillRect(l, box.top, 1, box.bottom - box.top); ctx.fillText(gap.status, l + 4, box.bottom - strip * at - 5); }
          hatch(ctx, l, box.bottom - strip * (at + 1), Math.max(r - l, 3), strip - 2, `${c.id}: ${gap.status}`);
        }
        trace(ctx, c, view, GUTTER, width, y);
      });
      ctx.restore();
    }
    ctx.textAlign = "left";
    if (span) {
      ctx.fillStyle = `rgba(${colour("--band")}, .2)`;
      const [l, r] = [Math.max(x(Math.min(...span)), GUTTER), Math.min(x(Math.max(...span)), width)];
      if (r > GUTTER && l < width) ctx.fillRect(l, TOP, Math.max(r - l, 1), bottom - TOP);
    }
    if (hover !== null) { ctx.fillStyle = colour("--ink"); ctx.fillRect(x(hover), TOP, 1, bottom - TOP); }
    small();
    tell();
  }

  function small() {
    const [ctx, width] = fitted(overview, 44), mine = channels.filter((c) => c.shown && c.unit === lanes()[0]);
    ctx.fillStyle = colour("--screen"); ctx.fillRect(0, 0, width, 44);
    const [low, high] = laneTop(mine, 0, length);
    for (const c of mine) trace(ctx, c, [0, length], GUTTER, width, (v) => 42 - (v - low) / (high - low) * 38);
    const x = (t) => GUTTER + t / length * (width - GUTTER);
    ctx.fillStyle = `rgba(${colour("--band")}, .16)`;
    ctx.fillRect(x(view[0]), 0, Math.max(x(view[1]) - x(view[0]), 2), 44);
  }

  // ---- what a span and an instant say
  // Of whole updates a counter's energy is a difference of whole counts, and so are its bounds.
  function energy(c, a, b) {
    const near = (t) => { const i = Math.max(upTo(c.t, t) - 1, 0); return i < c.n && c.t[i + 1] - t < t - c.t[i] ? i + 1 : i; };
    const i = near(a), j = near(b);
    if (j <= i) return { status: "no update in the span" };
    const bad = c.gaps.find((gap) => gap.t0_ns < c.t[j] && gap.t1_ns > c.t[i]);
    const at = { from: c.t[i], to: c.t[j] };
    if (bad) return { ...at, status: bad.status };
    const mean = (c.area[j] - c.area[i]) / (c.t[j] - c.t[i]);
    if (c.kind !== "counter") return { ...at, mean };
    const least = (k) => c.sum[k] - c.leastBy[k] - (k ? c.steps[k - 1] : 0);
    const most = (k) => c.sum[k] + c.mostBy[k] + (k < c.n ? c.steps[k] : 0);
    return {
      ...at, mean, energy: (c.sum[j] - c.sum[i]) * c.scale_j[0],
      low: Math.max(least(j) - most(i), 0) * c.scale_j[1], high: (most(j) - least(i)) * c.scale_j[2],
    };
  }

  function says(name, words, c) {
    const row = document.createElement("span"), head = document.createElement("b");
    if (c) { const dot = document.createElement("i"); dot.style.background = hue(c); row.append(dot); }
    head.textContent = name;
    row.append(head, ` ${words}`);
    readout.append(row);
  }

  function tell() {
    readout.replaceChildren();
    const mine = channels.filter((c) => c.shown && c.n);
    if (span && span[0] !== span[1]) {
      const [a, b] = [...span].sort((p, q) => p - q);
      says("span", `${time(a)} … ${time(b)}, ${time(b - a, 6)} long; to the nearest updates:`);
      for (const c of mine) {
        const of = energy(c, a, b), model = c.provenance === "estimated" ? ", estimated" : "";
        if (of.status) says(c.id, of.status, c);
        else if (of.energy === undefined) says(c.id, `mean ${si(of.mean, c.unit)}`, c);
        else says(c.id, `${si(of.energy, "J", 7)}, guaranteed ${si(of.low, "J", 7)} … ${si(of.high, "J", 7)}, mean ${si(of.mean, "W", 5)}${model}`, c);
      }
    }
    if (hover !== null) {
      says("at", time(hover));
      for (const c of mine) {
        const i = upTo(c.t, hover) - 1, gap = c.gaps.find((g) => g.t0_ns <= hover && hover < g.t1_ns);
        if (gap) says(c.id, gap.status, c);
        else if (i < 0 || i >= c.n || !(c.value[i] === c.value[i])) says(c.id, "not read", c);
        else says(c.id, `${si(c.value[i], c.unit, 6)} from ${time(c.t[i])} to ${time(c.t[i + 1])}${c.quiet[i] ? ", not read meanwhile: mean only" : ""}`, c);
      }
    } else if (!span) says("", `${time(view[0], 7)} … ${time(view[1], 7)}; point at the screen for values, drag to measure.`);
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
  const instant = (event) => {
    const box = screen.getBoundingClientRect(), part = (event.clientX - box.left - GUTTER) / (box.width - GUTTER);
    return view[0] + Math.min(Math.max(part, 0), 1) * (view[1] - view[0]);
  };

  let held = null;
  screen.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX / 1200);
    else zoom(1.0018 ** event.deltaY, instant(event));
  }, { passive: false });
  screen.addEventListener("pointerdown", (event) => {
    screen.setPointerCapture(event.pointerId);
    held = { at: instant(event), x: event.clientX, view: [...view], moves: event.shiftKey || event.pointerType === "touch" };
    if (!held.moves) span = null;
    refresh();
  });
  screen.addEventListener("pointermove", (event) => {
    hover = instant(event);
    if (held?.moves) {
      const by = (held.x - event.clientX) / (screen.clientWidth - GUTTER) * (held.view[1] - held.view[0]);
      show(held.view[0] + by, held.view[1] + by);
    } else if (held && Math.abs(event.clientX - held.x) > 2) span = [held.at, hover];
    refresh();
  });
  screen.addEventListener("pointerup", () => { held = null; });
  screen.addEventListener("pointerleave", () => { if (!held) { hover = null; refresh(); } });
  screen.addEventListener("dblclick", () => { span = null; show(0, length); });
  const KEYS = {
    "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2),
    0: () => show(0, length), Home: () => show(0, length), Escape: () => { span = null; refresh(); },
    Enter: () => { if (span) { const [a, b] = [...span].sort((p, q) => p - q); show(a, b); } },
  };
  screen.addEventListener("keydown", (event) => {
    if (KEYS[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); KEYS[event.key](); }
  });
  const jump = (event) => {
    const box = overview.getBoundingClientRect(), half = (view[1] - view[0]) / 2;
    const at = (event.clientX - box.left - GUTTER) / (box.width - GUTTER) * length;
    show(at - half, at + half);
  };
  overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); jump(event); });
  overview.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
  $("windows")?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    // Subtracted as whole numbers: the clock may stand beyond what a double holds.
    const a = Number(BigInt(button.dataset.t0) - BigInt(data.origin_ns)), b = Number(BigInt(button.dataset.t1) - BigInt(data.origin_ns));
    span = [a, b];
    show(a - (b - a) * 0.08, b + (b - a) * 0.08);
    $("scope").scrollIntoView({ block: "nearest" });
  });
  addEventListener("resize", refresh);

  // ---- begin
  if (!("DecompressionStream" in window)) { readout.textContent = "This browser cannot unpack the picture; the figures below are complete."; return; }
  channels = await Promise.all(data.channels.map(prepared));
  for (const c of channels) {
    const button = document.createElement("button"), dot = document.createElement("i");
    button.type = "button"; button.className = "channel"; button.setAttribute("aria-pressed", "true");
    button.append(dot, c.id);
    if (c.provenance === "estimated") { const mark = document.createElement("em"); mark.textContent = "estimated"; button.append(mark); }
    button.onclick = () => { c.shown = !c.shown; button.setAttribute("aria-pressed", c.shown); refresh(); };
    c.dot = dot;
    $("bar").append(button);
  }
  const buttons = [["−", "zoom out", () => zoom(1 / 0.6)], ["+", "zoom in", () => zoom(0.6)], ["all", "show everything", () => show(0, length)]];
  const space = document.createElement("span");
  space.className = "space";
  $("bar").append(space);
  for (const [words, label, act] of buttons) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = words; button.setAttribute("aria-label", label); button.onclick = act;
    $("bar").append(button);
  }
  const dyed = () => { for (const c of channels) c.dot.style.background = hue(c); };
  new MutationObserver(dyed).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  dyed();
  paint();
  root.dataset.ready = "yes";
  window.microjoule = { channels, energy, show, view: () => view };
})();

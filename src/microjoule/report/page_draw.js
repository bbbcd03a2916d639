// What is drawn on the screen of the page: lines, envelopes, gaps, bars of windows, axes. A `pen` has the
// canvas' context, the time in view and the functions that turn times and values into pixels.
const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A97A00", "#56B4E9", "#7A5BC7", "#5F6B7A"];
const DARK = ["#56B4E9", "#FF8A3D", "#2BC79A", "#E79BC4", "#F0C33C", "#9CD3F5", "#B39DF0", "#A7B3C2"];
const BARS = ["#A9C7E8", "#F1C79B", "#B5DCC2", "#DDB7D2", "#DDD08F", "#BDBDE4", "#D3B4A2", "#A9D3D3"];
const DASH = [[], [6, 3], [2, 2]];
const ROW = 19, CALM = 16, EXACT_PX = 6;

// The energy (in W·ns) and the known time up to an instant, inside an update in proportion.
function upToInstant(c, t) {
  const i = Math.min(Math.max(upTo(c.t, t) - 1, 0), c.n - 1), part = Math.min(Math.max(t - c.t[i], 0), c.t[i + 1] - c.t[i]);
  const v = c.value[i], is = v === v;
  return [c.area[i] + (is ? v * part : 0), c.known[i] + (is ? part : 0)];
}
function meanOver(c, a, b) {
  const [area0, known0] = upToInstant(c, a), [area1, known1] = upToInstant(c, b);
  return known1 > known0 ? (area1 - area0) / (known1 - known0) : NaN;
}

// What one channel looks like between a and b over a width in pixels. Where there is room for each update,
// nothing but the updates; else a mean over some updates, and the least and the most of each pixel.
function seen(c, [a, b], width) {
  const first = Math.max(upTo(c.t, a) - 1, 0), last = Math.min(upTo(c.t, b), c.n), n = last - first;
  const found = { c, first, last, isExact: n * EXACT_PX <= width, hasSteps: n <= width * 1.5, means: [] };
  if (n < 1) return found;
  [found.low, found.high] = extremes(c, first, last);
  if (found.isExact) {
    found.top = usual(c, first, last);
    return found;
  }
  const columns = Math.floor(width), per = (b - a) / columns, half = Math.max(1.5 * per, CALM * (b - a) / n / 2);
  let top = 0;
  for (let column = 0; column < columns; column++) {
    const at = a + per * (column + 0.5), i = Math.min(Math.max(upTo(c.t, at) - 1, 0), c.n - 1);
    const isGap = c.value[i] !== c.value[i] || at < c.t[0] || at > c.t[c.n];
    const isQuiet = c.quiet[i] && c.t[i + 1] - c.t[i] > per;  // dotted, and no line
    const mean = isGap || isQuiet ? NaN : meanOver(c, Math.max(at - half, c.t[0]), at + half);
    found.means.push(mean);
    if (mean > top) top = mean;
  }
  found.top = top;
  return found;
}

// The value below which a channel stays in all but a hundredth of the time: no axis for one spike.
function usual(c, first, last) {
  const known = [];
  for (let i = first; i < last; i++) if (c.value[i] === c.value[i]) known.push(i);
  known.sort((i, j) => c.value[i] - c.value[j]);
  const length = (i) => c.t[i + 1] - c.t[i];
  let left = known.reduce((sum, i) => sum + length(i), 0) / 100;
  while (known.length > 1 && left >= length(known.at(-1))) left -= length(known.pop());
  return known.length ? c.value[known.at(-1)] : 0;
}

// Least, most and rule of an axis that holds what is seen; peaks far above everything else only if asked for.
function axis(all, isFull) {
  let low = 0, high = 0, calm = 0;
  for (const each of all) {
    if (each.low < low) low = each.low;
    if (each.high > high) high = each.high;
    if (each.top > calm) calm = each.top;
  }
  const top = isFull || high <= calm * 1.6 ? high : calm * 1.25, rule = step((top - low || 1) * 1.04, 4);
  return { low: Math.floor(low / rule) * rule, high: Math.ceil((top * 1.02 || 1) / rule) * rule, rule, peak: high };
}

// Updates as steps; the ones in which nothing was read are given back.
function drawSteps({ ctx, x }, { c, first, last, isExact }, y) {
  const quiet = [];
  ctx.globalAlpha = isExact ? 1 : 0.35;
  ctx.lineWidth = isExact ? 1.5 : 1;
  let down = false;
  ctx.beginPath();
  for (let i = first; i < last; i++) {
    const v = c.value[i];
    if (v !== v) { down = false; continue; }
    if (c.quiet[i]) { quiet.push([x(c.t[i]), x(c.t[i + 1]), y(v)]); down = false; continue; }
    if (down) ctx.lineTo(x(c.t[i]), y(v)); else ctx.moveTo(x(c.t[i]), y(v));
    ctx.lineTo(x(c.t[i + 1]), y(v));
    down = true;
  }
  ctx.stroke();
  return quiet;
}

// The least and the most of each pixel; where nothing was read is given back.
function drawEnvelope({ ctx, view, x0, x1 }, { c, first, last }, y) {
  const quiet = [], columns = Math.floor(x1 - x0), per = (view[1] - view[0]) / columns;
  ctx.globalAlpha = 0.22;
  for (let column = 0, i = first; column < columns; column++) {
    const j = Math.min(Math.max(upTo(c.t, view[0] + per * (column + 1)) - 1, i), c.n - 1);
    const [low, high] = extremes(c, i, Math.min(j + 1, last));
    if (i === j && c.quiet[i] && c.value[i] === c.value[i]) quiet.push([x0 + column, x0 + column + 1, y(c.value[i])]);
    else if (high >= low) ctx.fillRect(x0 + column, y(high), 1, Math.max(y(low) - y(high), 0.8));
    i = j;
  }
  return quiet;
}

function drawLine({ ctx, x0 }, means, y) {
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.7;
  ctx.beginPath();
  let down = false;
  means.forEach((v, column) => {
    if (v !== v) { down = false; return; }
    if (down) ctx.lineTo(x0 + column + 0.5, y(v)); else ctx.moveTo(x0 + column + 0.5, y(v));
    down = true;
  });
  ctx.stroke();
}

function drawTrace(pen, found, y, floor) {
  const { ctx, hue } = pen, { c } = found;
  ctx.strokeStyle = ctx.fillStyle = hue(c);
  ctx.setLineDash(DASH[(c.number / HUES.length | 0) % DASH.length]);
  const quiet = (found.hasSteps ? drawSteps : drawEnvelope)(pen, found, y);
  if (!found.isExact) drawLine(pen, found.means, y);
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (const [l, r, at] of quiet) for (let dot = Math.ceil(l / 6) * 6; dot < r; dot += 6) { ctx.moveTo(dot, at); ctx.lineTo(dot + 2, at); }
  ctx.stroke();
  ctx.globalAlpha = 0.1;
  for (const [l, r, at] of quiet) ctx.fillRect(l, at, r - l, Math.max(floor - at, 0));
  ctx.globalAlpha = 1;
}

// Times of which nothing is known, hatched, in a strip for each channel.
function drawGaps({ ctx, view, x, x0, x1, colour }, channels, { top, bottom }) {
  const strip = Math.min(18, (bottom - top) / Math.max(channels.length, 1));
  channels.forEach((c, at) => {
    for (let g = upTo(c.gapEnds, view[0]); g < c.gaps.length && c.gaps[g].t0_ns < view[1]; g++) {
      const gap = c.gaps[g], l = Math.max(x(gap.t0_ns), x0), r = Math.min(x(gap.t1_ns), x1);
      const y = bottom - strip * (at + 1), w = Math.max(r - l, 3), h = strip - 2, words = `${c.id}: ${gap.status}`;
      ctx.save();
      ctx.beginPath(); ctx.rect(l, y, w, h); ctx.clip();
      ctx.strokeStyle = ctx.fillStyle = colour("--gap");
      ctx.globalAlpha = 0.55; ctx.lineWidth = 1; ctx.beginPath();
      for (let from = l - h; from < l + w; from += 7) { ctx.moveTo(from, y + h); ctx.lineTo(from + h, y); }
      ctx.stroke();
      ctx.globalAlpha = 1;
      if (w > ctx.measureText(words).width + 6) ctx.fillText(words, l + 4, y + h - 5);
      ctx.restore();
    }
  });
}

// The windows' bars by row; of a million windows no more are drawn than a row has pixels.
function drawBars({ ctx, view: [a, b], x, x0, x1, colour }, rows, top) {
  ctx.textAlign = "left";
  rows.forEach((row, number) => {
    const y = top + number * ROW, first = upTo(row.t1, a), last = upTo(row.t0, b);
    const bar = (i, l, r) => {
      ctx.fillStyle = BARS[row.name[i] % BARS.length];
      ctx.fillRect(l, y, Math.max(r - l, 1), ROW - 3);
    };
    if (last - first > 2 * (x1 - x0)) {
      for (let column = Math.floor(x0); column < x1; column++) {
        const i = upTo(row.t0, a + (column + 1 - x0) / (x1 - x0) * (b - a)) - 1;
        if (i >= 0 && x(row.t1[i]) >= column) bar(i, column, column + 1);
      }
      return;
    }
    for (let i = first; i < last; i++) {
      const l = Math.max(x(row.t0[i]), x0), r = Math.min(x(row.t1[i]), x1), room = r - l - 8;
      bar(i, l, r - l > 3 ? r - 1 : r);
      if (room < 14) continue;
      ctx.save(); ctx.beginPath(); ctx.rect(l, y, r - l - 3, ROW); ctx.clip();
      ctx.fillStyle = "#16202c";
      ctx.fillText(row.names[row.name[i]], l + 4, y + 12);
      ctx.restore();
    }
  });
  if (rows.length) { ctx.fillStyle = colour("--soft"); ctx.textAlign = "right"; ctx.fillText("windows", x0 - 7, top + 12); }
}

// Windows as rows in which none overlaps another: their ends ascend as their beginnings do.
async function barRows(of) {
  const [name, t0, length, row] = await Promise.all([of.name, of.t0_ns, of.length_ns, of.row].map(unpacked));
  const sizes = [];
  for (const r of row) sizes[r] = (sizes[r] ?? 0) + 1;
  const rows = Array.from(sizes, (n = 0) => ({
    names: of.names, n: 0, name: new Uint32Array(n), t0: new Float64Array(n), t1: new Float64Array(n),
  }));
  for (let i = 0; i < t0.length; i++) {
    const into = rows[row[i]], at = into.n++;
    into.name[at] = name[i]; into.t0[at] = t0[i];
    into.t1[at] = Math.max(t0[i] + length[i], at ? into.t1[at - 1] : 0);  // of the last row, which several share
  }
  return rows;
}

function drawTimes({ ctx, view: [a, b], x, x0, x1, colour }, top, bottom) {
  const rule = step(b - a, Math.max(2, (x1 - x0) / 110)), base = b > (b - a) * 2e4 ? Math.floor(a / rule) * rule : 0;
  ctx.textAlign = "center";
  for (let t = Math.ceil(a / rule) * rule; t <= b; t += rule) {
    ctx.fillStyle = colour("--grid"); ctx.fillRect(x(t), top, 1, bottom - top);
    ctx.fillStyle = colour("--soft");
    const words = (base ? "+" : "") + time(Math.round((t - base) / rule) * rule, 7), half = ctx.measureText(words).width / 2;
    ctx.fillText(words, Math.min(x(t), x1 - half - 1), bottom + 16);
  }
  if (base) { ctx.textAlign = "left"; ctx.fillText(time(base, 13), 2, bottom + 16); }
}

function drawValues({ ctx, x0, x1, colour }, { low, high, rule, peak }, { unit, top, bottom }, y) {
  for (let v = low; v <= high + rule / 2; v += rule) {
    ctx.fillStyle = colour(v ? "--grid" : "--line"); ctx.fillRect(x0, Math.round(y(v)), x1 - x0, 1);
    ctx.fillStyle = colour("--soft"); ctx.textAlign = "right";
    ctx.fillText(si(Math.round(v / rule) * rule, unit), x0 - 7, Math.min(Math.max(y(v) + 4, top + 9), bottom));
  }
  if (peak <= high) return;
  ctx.fillStyle = colour("--gap"); ctx.textAlign = "right";
  ctx.fillText(`▲ single updates up to ${si(peak, unit, 3)}`, x1 - 4, top + 11);
}

"use strict";
// The numbers behind the screen: out of their text, in blocks for a quick look at many, and into words.
const BLOCK = 64, NS = 1e9;

// ---- arrays out of text
function decoded(text) {
  const signs = atob(text), bytes = new Uint8Array(signs.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = signs.charCodeAt(i);
  return bytes;
}
async function unpacked(of) {
  const size = { i4: 4, u4: 4, f8: 8 }[of.type], bytes = Uint8Array.fromBase64?.(of.data) ?? decoded(of.data);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const columns = new Uint8Array(await new Response(stream).arrayBuffer());
  const rows = new Uint8Array(columns.length), n = of.n;
  for (let b = 0; b < size; b++) for (let i = 0, from = b * n; i < n; i++) rows[i * size + b] = columns[from + i];
  const values = new ({ i4: Int32Array, u4: Uint32Array, f8: Float64Array }[of.type])(rows.buffer);
  if (!of.delta) return values;
  const sums = new Float64Array(n);
  for (let i = 0, sum = 0; i < n; i++) sums[i] = sum += values[i];
  return sums;
}

// The number of values that are not above x.
function upTo(values, x) {
  let low = 0, high = values.length;
  while (low < high) { const mid = (low + high) >> 1; if (values[mid] <= x) low = mid + 1; else high = mid; }
  return low;
}

async function prepared(of, number) {
  const t = await unpacked(of.t_ns), n = Math.max(t.length - 1, 0), value = new Float64Array(n);
  const channel = { ...of, t, n, value, number, shown: true };
  channel.gapEnds = of.gaps.map((gap) => gap.t1_ns);
  if (of.kind === "counter") {
    channel.steps = await unpacked(of.steps);
    channel.leastBy = await unpacked(of.least);
    channel.mostBy = await unpacked(of.most);
    channel.sum = new Float64Array(n + 1);  // whole counts: exact up to 2**53
    for (let i = 0; i < n; i++) {
      channel.sum[i + 1] = channel.sum[i] + channel.steps[i];
      value[i] = channel.steps[i] * of.scale_j[0] * NS / (t[i + 1] - t[i]);
    }
  } else value.set((await unpacked(of.values)).subarray(0, n));
  for (const gap of of.gaps) for (let i = Math.max(upTo(t, gap.t0_ns) - 1, 0); i < n && t[i] < gap.t1_ns; i++) {
    if (t[i] >= gap.t0_ns) value[i] = NaN;
  }
  channel.quiet = new Uint8Array(n);  // updates in which nothing was read: only their mean is known
  for (const gap of of.silences) for (let i = Math.max(upTo(t, gap.t0_ns) - 1, 0); i < n && t[i] < gap.t1_ns; i++) {
    if ((Math.min(t[i + 1], gap.t1_ns) - Math.max(t[i], gap.t0_ns)) * 2 > t[i + 1] - t[i]) channel.quiet[i] = 1;
  }
  return summed(channel);
}

// Energy and known time up to each update, and the least and the most of each block of values.
function summed(channel) {
  const { n, t, value } = channel, area = new Float64Array(n + 1), known = new Float64Array(n + 1);
  const least = new Float64Array(Math.ceil(n / BLOCK)).fill(Infinity), most = new Float64Array(least.length).fill(-Infinity);
  for (let i = 0; i < n; i++) {
    const v = value[i], dt = t[i + 1] - t[i], b = i / BLOCK | 0;
    const is = v === v;
    area[i + 1] = area[i] + (is ? v * dt : 0);
    known[i + 1] = known[i] + (is ? dt : 0);
    if (v < least[b]) least[b] = v;
    if (v > most[b]) most[b] = v;
  }
  return Object.assign(channel, { area, known, least, most });
}

// Least and most of values[a..b).
function extremes(of, a, b) {
  let low = Infinity, high = -Infinity, i = a;
  while (i < b) {
    const whole = i % BLOCK === 0 && i + BLOCK <= b, at = whole ? i / BLOCK : i;
    const l = whole ? of.least[at] : of.value[at], h = whole ? of.most[at] : of.value[at];
    if (l < low) low = l;
    if (h > high) high = h;
    i += whole ? BLOCK : 1;
  }
  return [low, high];
}

// ---- figures
function si(value, unit, digits = 4) {
  if (!Number.isFinite(value)) return "n/a";
  if (unit === "°C" || unit === "1" || unit === "%") return `${+value.toPrecision(digits)}${unit === "1" ? "" : " " + unit}`;
  const steps = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
  const [by, prefix] = steps.find(([least]) => Math.abs(value) >= least * 0.99999999) ?? (value ? steps.at(-1) : [1, ""]);
  return `${+(value / by).toPrecision(digits)} ${prefix}${unit}`;
}
const time = (ns, digits = 9) => si(ns / NS, "s", digits);
function step(span, parts) {
  const raw = span / parts, scale = 10 ** Math.floor(Math.log10(raw));
  return scale * [1, 2, 5, 10].find((by) => by * scale >= raw * 0.9999);
}

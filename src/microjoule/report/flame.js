// The flame graph: a frame's width is its energy; the row is its depth below the whole.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const graph = $("graph"), tip = $("tip"), HEIGHT = 20, LEAST_PX = 0.6;
  const KINDS = ["", "open", "group", "still"];
  const frames = data.frames.map(([name, parent, joules, words, kind], number) =>
    ({ number, name, parent, joules, words, kind, children: [], depth: 0 }));
  for (const frame of frames) {
    if (frame.parent >= 0) {
      frames[frame.parent].children.push(frame);
      frame.depth = frames[frame.parent].depth + 1;
    }
  }
  for (const frame of frames) {
    frame.children.sort((a, b) => (a.kind === 3) - (b.kind === 3) || (a.name < b.name ? -1 : 1));
  }
  let root = frames[0], pattern = null;

  const path = (frame) => {
    const names = [];
    for (let at = frame; at; at = frames[at.parent]) names.unshift(at.name);
    return names;
  };
  // Warm colours by name, so that a function looks the same wherever it is called.
  const colour = (name) => {
    let hash = 0;
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) % 4096;
    return `hsl(${8 + (hash % 44)} var(--sat) calc(var(--light) + ${(hash >> 6) % 9}%))`;
  };
  const show = (frame) => { tip.textContent = `${path(frame).slice(1).join(" › ") || frame.name}: ${frame.words}`; };

  const matches = (frame) => Boolean(pattern && pattern.test(frame.name));
  const summary = (joules, left) => {
    const share = root.joules > 0 ? (100 * joules) / root.joules : 0;
    if (pattern) return `${share.toPrecision(3)} % of the energy shown`;
    return left ? `${left} narrower frames: zoom in` : "";
  };

  function draw() {
    graph.replaceChildren();
    const width = graph.clientWidth, above = [];
    for (let at = frames[root.parent]; at; at = frames[at.parent]) above.unshift(at);
    let deepest = 0, left = 0, joules = 0;
    const put = (frame, row, x, wide) => {
      const box = document.createElement("div");
      box.className = ["frame", KINDS[frame.kind], matches(frame) ? "match" : ""].join(" ").trim();
      box.style.cssText = `left:${x}px;top:${row * HEIGHT}px;width:${Math.max(wide, 1)}px;background-color:${colour(frame.name)}`;
      if (wide > 24) box.textContent = frame.name;
      box.tabIndex = frame === root ? 0 : -1;
      box.dataset.number = frame.number;
      box.title = `${frame.name}\n${frame.words}`;
      box.setAttribute("role", "treeitem");
      box.setAttribute("aria-label", `${frame.name}: ${frame.words}`);
      box.setAttribute("aria-level", frame.depth + 1);
      graph.append(box);
      deepest = Math.max(deepest, row);
    };
    above.forEach((frame, row) => put(frame, row, 0, width));
    const waiting = [[root, above.length, 0, width, false]];
    while (waiting.length) {
      const [frame, row, x, wide, isCounted] = waiting.pop();
      put(frame, row, x, wide);
      const counts = !isCounted && matches(frame);
      if (counts) joules += frame.joules;
      let at = x;
      for (const child of frame.children) {
        const part = frame.joules > 0 ? (wide * child.joules) / frame.joules : 0;
        if (part >= LEAST_PX) waiting.push([child, row + 1, at, part, isCounted || counts]);
        else { left += 1; if (!isCounted && !counts && matches(child)) joules += child.joules; }
        at += part;
      }
    }
    graph.style.height = `${(deepest + 1) * HEIGHT + 1}px`;
    $("found").textContent = summary(joules, left);
  }
  const frameOf = (event) => {
    const box = event.target.closest(".frame");
    return box ? frames[box.dataset.number] : null;
  };
  const zoom = (frame) => {
    root = frame;
    draw();
    show(frame);
    const box = graph.querySelector(`[data-number="${frame.number}"]`);
    if (box) box.focus();
  };
  const beside = (frame, step) => {
    const all = frame.parent >= 0 ? frames[frame.parent].children : [frame];
    return all[all.indexOf(frame) + step];
  };
  const MOVES = {
    ArrowUp: (frame) => frames[frame.parent],
    ArrowDown: (frame) => frame.children.reduce((a, b) => (a && a.joules > b.joules ? a : b), null),
    ArrowLeft: (frame) => beside(frame, -1),
    ArrowRight: (frame) => beside(frame, 1),
  };
  graph.addEventListener("mouseover", (event) => { const frame = frameOf(event); if (frame) show(frame); });
  graph.addEventListener("focusin", (event) => { const frame = frameOf(event); if (frame) show(frame); });
  graph.addEventListener("click", (event) => { const frame = frameOf(event); if (frame) zoom(frame); });
  graph.addEventListener("keydown", (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    if (event.key === "Enter") zoom(frame);
    else if (event.key === "Escape") zoom(frames[0]);
    else if (event.key in MOVES) {
      event.preventDefault();
      const next = MOVES[event.key](frame);
      const box = next && graph.querySelector(`[data-number="${next.number}"]`);
      if (box) box.focus();
    }
  });
  $("back").onclick = () => zoom(frames[0]);
  $("find").addEventListener("input", () => {
    const wanted = $("find").value;
    try { pattern = wanted ? new RegExp(wanted, "i") : null; }
    catch { pattern = new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i"); }
    draw();
  });
  addEventListener("resize", draw);
  draw();
  document.documentElement.dataset.ready = "1";
})();

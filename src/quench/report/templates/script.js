"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Show the parts that need this script.
all("[hidden]").forEach((element) => { element.hidden = false; });

// Theme: the system's, light or dark; remembered where the browser allows it.
{
  const names = ["system", "light", "dark"];
  const button = document.getElementById("theme");
  const show = (name) => {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.querySelector("span").textContent = name;
  };
  const kept = (() => { try { return localStorage.getItem("quench-theme"); } catch { return null; } })();
  show(names.includes(kept) ? kept : "system");
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(button.querySelector("span").textContent) + 1) % names.length];
    show(next);
    try { localStorage.setItem("quench-theme", next); } catch { /* a page from disk may keep nothing */ }
  });
}

// Claims: a row is shown when it passes every filter.
{
  const form = document.getElementById("filters");
  const rows = all("table.claims tbody tr");
  const apply = () => {
    const verdicts = new Set(all("[name=verdict]:checked", form).map((box) => box.value));
    const value = (name) => form.elements[name]?.value ?? "";
    const words = value("words").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = `${row.textContent} ${row.dataset.words ?? ""}`.toLowerCase();
      const passes = verdicts.has(row.dataset.verdict)
        && (!value("paper") || row.dataset.paper === value("paper"))
        && (!value("figure") || row.dataset.figures.split(" ").includes(value("figure")))
        && words.every((word) => text.includes(word));
      row.hidden = !passes;
      shown += passes;
    }
    document.getElementById("shown").textContent = `${shown} of ${rows.length} claims shown`;
  };
  const showAll = () => {
    all("[name=verdict]", form).forEach((box) => { box.checked = true; });
    ["paper", "figure", "words"].forEach((name) => { if (form.elements[name]) form.elements[name].value = ""; });
    apply();
  };
  if (form) {
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => { event.preventDefault(); showAll(); });
    // A link to a claim shows it even if a filter hides it.
    const reveal = () => {
      const target = location.hash.startsWith("#claim-") && document.getElementById(location.hash.slice(1));
      if (target && target.hidden) { showAll(); target.scrollIntoView(); }
    };
    addEventListener("hashchange", reveal);
    apply();
    reveal();
  }
}

// An enlarged figure: the zoom sets the width of the picture, and the region around it scrolls.
{
  const dialog = document.getElementById("zoom");
  const stage = dialog.querySelector(".stage");
  const picture = dialog.querySelector("img");
  const level = document.getElementById("zoom-level");
  let scale = 1;
  let opener = null;
  const ratio = () => picture.naturalHeight / picture.naturalWidth || 0.6;
  const fit = () => Math.min(stage.clientWidth - 16, (stage.clientHeight - 16) / ratio());
  // A wide figure opens larger than the screen where its text would otherwise be too small to read.
  const first = () => Math.min(2.6, Math.max(1, 0.8 * stage.clientHeight / (fit() * ratio())));
  const resize = (next) => {
    const x = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth;
    const y = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
    scale = Math.min(12, Math.max(1, next));
    picture.style.width = `${fit() * scale}px`;
    level.textContent = `${Math.round(scale * 100)} %`;
    stage.scrollLeft = x * stage.scrollWidth - stage.clientWidth / 2;
    stage.scrollTop = y * stage.scrollHeight - stage.clientHeight / 2;
  };
  const act = { in: () => resize(scale * 1.4), out: () => resize(scale / 1.4), fit: () => resize(1), close: () => dialog.close() };
  all("[data-zoom]", dialog).forEach((button) => button.addEventListener("click", () => act[button.dataset.zoom]()));
  const keys = { "+": "in", "=": "in", "-": "out", "0": "fit" };
  dialog.addEventListener("keydown", (event) => {
    if (keys[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); act[keys[event.key]](); }
  });
  stage.addEventListener("dblclick", () => resize(scale > 1 ? 1 : 3));
  dialog.addEventListener("close", () => opener?.focus());
  addEventListener("resize", () => { if (dialog.open) resize(scale); });
  all("button.picture").forEach((button) => button.addEventListener("click", () => {
    const shown = document.getElementById(button.dataset.figure);
    opener = button;
    picture.src = shown.src;
    picture.alt = shown.alt;
    document.getElementById("zoom-title").textContent = button.getAttribute("aria-label").replace(/^Enlarge /, "");
    dialog.showModal();
    picture.decode().catch(() => {}).then(() => { resize(first()); stage.scrollLeft = 0; });
    stage.focus();
  }));
}

// A picture is downloaded from the page itself; a PNG has three pixels per point.
all("a[data-picture]").forEach((link) => link.addEventListener("click", () => {
  const picture = document.getElementById(link.dataset.picture);
  if (!link.download.endsWith(".png")) { link.href = picture.src; return; }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = ["width", "height"].map((side) => 3 * Number(picture.getAttribute(side)));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  link.href = canvas.toDataURL("image/png");
}));

// The table of claims is sorted by the text of a column; numbers in it count as numbers.
all("table.claims thead th").forEach((head, column, heads) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.textContent = head.textContent;
  head.replaceChildren(button);
  const text = (row) => row.children[column].textContent.trim();
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = head.closest("table").tBodies[0];
    const order = (one, other) => text(one).localeCompare(text(other), "en", { numeric: true });
    body.append(...[...body.rows].sort((one, other) => (up ? order(one, other) : order(other, one))));
  });
});

all("button.copy").forEach((button) => button.addEventListener("click", async () => {
  const done = await navigator.clipboard?.writeText(button.dataset.copy).then(() => true, () => false);
  if (!done) getSelection().selectAllChildren(button.previousElementSibling);
  button.textContent = done ? "Copied" : "Selected";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}));

// Mark the section that is being read in the contents.
{
  const links = new Map(all("nav.contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  links.forEach((_, id) => { const target = document.getElementById(id); if (target) seen.observe(target); });
}

// Open the details in print.
addEventListener("beforeprint", () => all("details.print").forEach((part) => { part.open = true; }));

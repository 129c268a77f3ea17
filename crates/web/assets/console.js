"use strict";
// Enhancements only: without this script every page reads and every form works.
(() => {
  const words = JSON.parse(document.body.dataset.words || "{}");
  const $ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

  // Times in the viewer's zone; UTC for whoever points at them.
  function times(root) {
    for (const time of $("time[datetime]", root)) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if (time.hasAttribute("data-countdown")) count(time, at);
      else if (!time.dataset.shown) {
        const today = at.toDateString() === new Date().toDateString();
        time.textContent = today ? clock.format(at) : local.format(at);
        time.dataset.shown = "local";
      }
    }
  }

  function count(time, at) {
    const left = Math.round((at.getTime() - Date.now()) / 1000);
    const whole = Math.abs(left);
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const text = parts[0] ? `${parts[0]} h ${parts[1]} min` : parts[1] ? `${parts[1]} min ${String(parts[2]).padStart(2, "0")} s` : `${parts[2]} s`;
    time.textContent = (left >= 0 ? words.in : words.ago).replace("{}", text);
  }

  // What changed is swapped in, part by part; what is open stays open, what is marked stays marked.
  let running = null;
  let again = false;
  async function refresh() {
    if (running) { again = true; return; }
    running = new AbortController();
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin", signal: running.signal });
      if (response.redirected || !response.ok) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of $("[data-live]")) {
        const next = fresh.getElementById(part.id);
        if (next) swap(part, next);
      }
    } catch { /* The next event asks again. */ } finally {
      running = null;
      if (again) { again = false; soon(); } else poll();
    }
  }

  const written = new WeakMap();
  function swap(part, next) {
    const html = next.outerHTML;
    if (written.get(part) === html) return;
    const chosen = new Set($("input[type=checkbox]:checked", part).map((box) => box.value));
    const open = new Set($("details[open] > summary", part).map((summary) => summary.textContent));
    const focus = document.activeElement && part.contains(document.activeElement) ? key(document.activeElement) : null;
    const scrolls = $(".scroll", part).map((box) => box.scrollLeft);
    for (const box of $("input[type=checkbox]", next)) box.checked = chosen.has(box.value);
    for (const summary of $("details > summary", next)) if (open.has(summary.textContent)) summary.parentElement.open = true;
    const kept = document.adoptNode(next);
    times(kept);
    part.replaceWith(kept);
    written.set(kept, html);
    $(".scroll", kept).forEach((box, place) => { box.scrollLeft = scrolls[place] || 0; });
    if (focus) { const again = $("a, button, input, summary", kept).find((element) => key(element) === focus); if (again) again.focus({ preventScroll: true }); }
    poll();
  }
  const key = (element) => `${element.tagName} ${element.getAttribute("href") || element.value || element.textContent}`;

  let timer = 0;
  function soon() { if (!timer) timer = setTimeout(() => { timer = 0; refresh(); }, 120); }
  let polling = 0;
  function poll() { clearTimeout(polling); if ($("[data-poll]").length) polling = setTimeout(refresh, 400); }

  function follow() {
    const to = document.body.dataset.follow;
    if (!to || !$("[data-live]").length || !window.EventSource) return;
    const says = document.getElementById("live-state");
    says.hidden = false;
    const trunk = $("[data-trunk]")[0];
    const source = new EventSource(trunk ? `${to}?trunk=${encodeURIComponent(trunk.dataset.trunk)}` : to);
    source.onopen = () => { says.textContent = words.live; says.classList.add("on"); };
    source.onerror = () => { says.textContent = words.reconnecting; says.classList.remove("on"); };
    source.onmessage = soon;
    addEventListener("pagehide", () => source.close());
  }

  // What copying left: white space at the ends, unusual spaces, zero-width characters, typographic quotes.
  const odd = /[\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]/;
  function marks(input) {
    const show = document.getElementById(`${input.id}-marks`);
    const value = input.value;
    const found = [];
    if (/^[ \t]/.test(value)) found.push(words.markBegin);
    if (/[ \t]$/.test(value)) found.push(words.markEnd);
    if (odd.test(value)) found.push(words.markOdd);
    if (/[\u2018-\u201f\u00ab\u00bb]/.test(value)) found.push(words.markTypographic);
    if (/^["'].*["']$/.test(value)) found.push(words.markQuotes);
    if (input.id === "realm" && /^sips?:/i.test(value)) found.push(words.markScheme);
    show.replaceChildren();
    if (!found.length) return;
    show.textContent = words.marks.replace("{}", found.join(", "));
    if (input.type !== "password") {
      const line = document.createElement("span");
      line.className = "revealed";
      for (const letter of value) {
        const marked = letter === " " || letter === "\t" || odd.test(letter) || /["'\u2018-\u201f]/.test(letter);
        const piece = document.createElement(marked ? "mark" : "span");
        piece.textContent = letter === " " ? "\u2423" : odd.test(letter) ? "\u2423" : letter;
        line.append(piece);
      }
      show.append(" ", line);
    }
  }

  function files() {
    for (const field of $("[data-file]")) {
      const area = document.getElementById(field.dataset.file);
      const label = document.createElement("label");
      label.textContent = `${words.file} `;
      const input = document.createElement("input");
      input.type = "file";
      input.addEventListener("change", async () => { if (input.files[0]) area.value = await input.files[0].text(); });
      label.append(input);
      field.append(label);
    }
  }

  document.addEventListener("input", (event) => { if (event.target.matches("[data-marks]")) marks(event.target); });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-verify]")) return;
    $("#steps li").forEach((step, place) => { step.className = place ? "waits" : "asking"; });
  });
  for (const button of $("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  // On a phone the way to this page may lie beyond the edge of the screen.
  for (const here of $("nav [aria-current]")) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 60;
  times(document);
  files();
  $("[data-marks]").forEach(marks);
  follow();
  poll();
  setInterval(() => { for (const time of $("time[data-countdown]")) count(time, new Date(time.dateTime)); }, 1000);
})();

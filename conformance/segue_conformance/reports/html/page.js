// Filters the table, copies commands, and unpacks the transcripts. Text of a target is only ever set as text.
"use strict";
(() => {
  const page = document.body;
  page.classList.add("script");
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const make = (tag, text, kind) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (kind) node.className = kind;
    return node;
  };

  // -- filters

  const form = document.getElementById("filters");
  const chips = all(".chip");
  if (form) {
    const field = (id) => document.getElementById(id);
    const rows = all(".matrix tbody tr:not(.group)").map((row) => ({
      row,
      profile: row.parentNode.dataset.profile,
      text: (row.textContent + " " + row.firstChild.title).toLowerCase(),
      cells: all("td", row).map((cell) => ({ cell, wire: cell.dataset.wire, verdict: cell.className.split(" ")[0] })),
    }));
    const findings = all(".findings article").map((node) => ({
      node,
      text: node.textContent.toLowerCase(),
      ...node.dataset,
    }));
    const apply = () => {
      const text = field("text").value.trim().toLowerCase();
      const verdict = field("verdict").value;
      const profile = field("profile").value;
      const wire = field("wire").value;
      let shown = 0;
      for (const entry of rows) {
        const fits = (cell) => cell.verdict && (!wire || cell.wire === wire) && (!verdict || cell.verdict === verdict);
        const show = (!profile || entry.profile === profile) && entry.text.includes(text) && entry.cells.some(fits);
        entry.row.hidden = !show;
        shown += show;
        for (const cell of entry.cells) cell.cell.classList.toggle("dim", show && Boolean(wire || verdict) && !fits(cell));
      }
      for (const body of all(".matrix tbody")) body.hidden = !all("tr:not(.group)", body).some((row) => !row.hidden);
      for (const entry of findings) {
        entry.node.hidden = !(
          (!profile || entry.profile === profile) &&
          (!verdict || entry.verdict === verdict) &&
          (!wire || entry.wires.split(" ").includes(wire)) &&
          entry.text.includes(text)
        );
      }
      for (const section of all(".findings")) section.hidden = !all("article", section).some((node) => !node.hidden);
      for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.verdict === verdict));
      const filtered = text || verdict || profile || wire;
      field("shown").textContent = filtered ? `${shown} of ${rows.length} checks shown` : `${rows.length} checks`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        const pressed = chip.getAttribute("aria-pressed") === "true";
        field("verdict").value = pressed ? "" : chip.dataset.verdict;
        apply();
        if (!pressed) document.getElementById("matrix").scrollIntoView();
      });
    }
    // What a link leads to is shown, whatever the filters say.
    window.addEventListener("hashchange", () => {
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target && target.closest("[hidden]")) {
        form.reset();
        setTimeout(() => target.scrollIntoView());
      }
    });
    apply();
  }

  // -- commands

  for (const button of all(".copy")) {
    button.addEventListener("click", async () => {
      const told = await copied(button);
      button.textContent = told ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  async function copied(button) {
    try {
      await navigator.clipboard.writeText(button.parentNode.querySelector("code").textContent);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentNode.querySelector("code"));
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy");
    }
  }

  // -- transcripts

  let unpacked;
  for (const details of all(".every")) {
    details.addEventListener("toggle", async () => {
      if (!details.open || details.dataset.filled) return;
      details.dataset.filled = "yes";
      try {
        unpacked ??= unpack();
        const frames = (await unpacked)[Number(details.dataset.frames)];
        details.append(list(frames, details.dataset));
      } catch (error) {
        details.append(make("p", `This browser can't unpack the transcripts (${error}); the JSON report has them.`));
      }
    });
  }

  async function unpack() {
    const packed = atob(document.getElementById("frames").textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function list(frames, data) {
    const words = ["expected", "actual"].flatMap((mark) => (data[mark] || "").split("\n").filter(Boolean).map((word) => ({ word, mark })));
    const rows = make("ol", undefined, "frames");
    for (const [at, direction, connection, kind, text] of frames) {
      const row = make("li");
      const way = make("span", { sent: "→", received: "←" }[direction] || "─", `way ${direction === "sent" || direction === "received" ? direction : "note"}`);
      way.setAttribute("role", "img");
      way.setAttribute("aria-label", direction);
      row.append(make("span", (at / 1000).toFixed(3), "at"), way, make("span", clean(connection).slice(0, 40), "on"), make("span", clean(kind).slice(0, 40), "quiet"));
      const body = make("pre");
      mark(body, clean(text.split("\n").map(indented).join("\n")), words);
      row.append(body);
      rows.append(row);
    }
    return rows;
  }

  // Marks words where they stand, the first of those that begin soonest.
  function mark(node, text, words) {
    let place = 0;
    for (let marks = 0; marks < 500; marks++) {
      let best = null;
      for (const entry of words) {
        const at = text.indexOf(entry.word, place);
        if (at >= 0 && (!best || at < best.at)) best = { at, ...entry };
      }
      if (!best) break;
      node.append(text.slice(place, best.at), make("mark", best.word, best.mark));
      place = best.at + best.word.length;
    }
    node.append(text.slice(place));
  }

  // JSON over several lines, character by character: what came is shown, not what a parser makes of it.
  function indented(line) {
    const start = line.search(/[[{]/);
    if (start < 0 || (start > 0 && !/^data: ?$/.test(line.slice(0, start)))) return line;
    let out = line.slice(0, start), depth = 0, quoted = false;
    const fresh = () => "\n" + "  ".repeat(Math.min(depth, 40));
    for (let at = start; at < line.length; at++) {
      const character = line[at];
      if (quoted) {
        out += character;
        if (character === "\\") out += line[++at] ?? "";
        else if (character === '"') quoted = false;
      } else if (character === '"') {
        quoted = true;
        out += character;
      } else if (character === "{" || character === "[") {
        const end = line.slice(at + 1).match(/^\s*([\]}])/);
        if (end) {
          out += character + end[1];
          at += end[0].length;
        } else {
          depth++;
          out += character + fresh();
        }
      } else if (character === "}" || character === "]") {
        depth = Math.max(0, depth - 1);
        out += fresh() + character;
      } else if (character === ",") {
        out += character + fresh();
      } else if (character === ":") {
        out += ": ";
      } else if (character !== " ") {
        out += character;
      }
    }
    return out;
  }

  // A character that does more than show itself is written as an escape.
  function clean(text) {
    return text.replace(/\r\n/g, "\n").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu, (character) => {
      if (character === "\n") return character;
      const code = character.codePointAt(0);
      return code < 0x100 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
    });
  }
})();

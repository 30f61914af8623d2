// Key frames: what is kept of each, how they are listed, and the command line that says the same.
"use strict";

const timeline = {
  frames: [],

  add(time, aus) {
    this.frames = this.frames.filter((frame) => frame.time !== time);
    this.frames.push({ time, aus: { ...aus }, easing: "ease" });
    this.frames.sort((one, other) => one.time - other.time);
  },

  remove(time) {
    this.frames = this.frames.filter((frame) => frame.time !== time);
  },

  // The next whole half second after the last key frame.
  nextMoment() {
    const last = this.frames.at(-1);
    return last ? Math.round((last.time + 0.5) * 10) / 10 : 0;
  },

  list(place, source, easings, changed, shown) {
    place.replaceChildren(...this.frames.map((frame) => {
      const item = document.createElement("li");
      const go = button(`${frame.time.toFixed(1)} s: ${inWords(frame.aus, source)}`, () => shown(frame));
      const easing = document.createElement("select");
      easing.setAttribute("aria-label", `Way from ${frame.time.toFixed(1)} s to the next key frame`);
      easing.append(...easings.map((name) => new Option(name, name, false, name === frame.easing)));
      easing.addEventListener("change", () => { frame.easing = easing.value; changed(); });
      const away = button("Remove", () => { this.remove(frame.time); changed(); });
      away.setAttribute("aria-label", `Remove the key frame at ${frame.time.toFixed(1)} s`);
      const row = document.createElement("div");
      row.className = "row";
      row.append(go, easing, away);
      item.append(row);
      return item;
    }));
  },

  // As `ganimation animate --keyframes` reads it.
  file() {
    const rows = this.frames.map(({ time, aus, easing }) => ({ time, au: aus, easing }));
    return JSON.stringify(rows, null, 2) + "\n";
  },
};

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

// The AUs that differ from what the photo shows.
function changes(aus, source) {
  return Object.entries(aus).filter(([name, value]) => Math.abs(value - (source[name] ?? 0)) > 0.005);
}

function inWords(aus, source) {
  const words = changes(aus, source).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  return words.join(", ") || "as in the photo";
}

function commandLine(name, aus, source, flags, keyed, face) {
  const parts = ["ganimation animate", quoted(name || "PHOTO"), "-o OUT.gif"];
  if (flags) parts.push(flags);
  if (face > 0) parts.push(`--face ${face + 1}`);
  if (keyed) parts.push("--keyframes keyframes.json");
  else for (const [au, value] of changes(aus, source)) parts.push(`--au ${au}=${value.toFixed(2)}`);
  return parts.join(" ");
}

function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

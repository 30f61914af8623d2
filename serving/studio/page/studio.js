// The page's state and its calls; one edit is on the way at a time, and only the last one waits.
"use strict";

const part = (id) => document.getElementById(id);
const state = { model: null, photo: null, name: "", face: 0, faces: [], aus: {}, show: "result" };
let busy = false;
let waiting = false;

async function call(path, body) {
  const json = !(body instanceof Blob);
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": json ? "application/json" : "application/octet-stream" },
    body: json ? JSON.stringify(body) : body,
  });
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

function say(text, error = false) {
  part("status").textContent = text;
  part("status").classList.toggle("error", error);
}

// Runs a task of the page; what goes wrong is said.
async function attempt(task) {
  try {
    await task();
  } catch (error) {
    say(error.message || String(error), true);
  }
}

const source = () => state.faces[state.face]?.source ?? {};
const asked = () => ({ photo: state.photo, face: state.face, aus: state.aus, show: state.show });

function showPicture(blob, alt) {
  const picture = part("picture");
  if (picture.src) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(blob);
  picture.alt = alt;
  picture.hidden = false;
  part("empty").hidden = true;
}

async function draw() {
  if (state.photo === null) return;
  if (busy) { waiting = true; return; }
  busy = true;
  try {
    do {
      waiting = false;
      const request = asked();
      if (part("before").getAttribute("aria-pressed") === "true") request.aus = {};
      const blob = await (await call("api/edit", request)).blob();
      showPicture(blob, `The photo with ${inWords(request.aus, source())}`);
    } while (waiting);
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
  }
}

function updated() {
  for (const [name, value] of Object.entries(state.aus)) {
    const slider = part(`slider-${name}`);
    if (!slider) continue;
    slider.value = value;
    part(`value-${name}`).textContent = value.toFixed(2);
  }
  const keyed = timeline.frames.length > 0;
  part("command").textContent =
    commandLine(state.name, state.aus, source(), state.model.flags, keyed, state.face);
  draw();
}

function listKeyFrames() {
  const shown = (frame) => { state.aus = { ...source(), ...frame.aus }; updated(); };
  timeline.list(part("keyframes"), source(), state.model.easings, listKeyFrames, shown);
  part("moment").value = timeline.nextMoment();
  part("keyfile").disabled = timeline.frames.length === 0;
  updated();
}

function chooseFace(number) {
  state.face = number;
  state.aus = { ...source() };
  listKeyFrames();
}

async function open(blob, name) {
  say("Looking for faces …");
  const found = await (await call("api/photo", blob)).json();
  Object.assign(state, { photo: found.photo, name, faces: found.faces });
  timeline.frames = [];
  part("face").replaceChildren(...found.faces.map((_, place) => new Option(`${place + 1}`, place)));
  for (const one of document.querySelectorAll("button:disabled, select:disabled, input:disabled")) {
    one.disabled = false;
  }
  part("face").disabled = found.faces.length < 2;
  chooseFace(0);
  const count = found.faces.length;
  say(count === 1 ? "One face found." : `${count} faces found; the largest is chosen.`);
}

function unit(one) {
  const row = document.createElement("div");
  row.className = "unit";
  const picture = document.createElement("img");
  picture.alt = "";
  if (one.drawn) picture.src = `au/${one.name}.png`;
  const words = document.createElement("div");
  words.className = "words";
  const label = document.createElement("label");
  label.htmlFor = `slider-${one.name}`;
  label.textContent = `${one.name} ${one.title}`;
  const muscle = document.createElement("span");
  muscle.className = "muscle";
  muscle.id = `muscle-${one.name}`;
  muscle.textContent = one.muscle;
  words.append(label, muscle);
  const slider = document.createElement("input");
  Object.assign(slider, { id: label.htmlFor, type: "range", min: 0, max: 1, step: 0.01, value: 0 });
  slider.disabled = true;
  slider.setAttribute("aria-describedby", muscle.id);
  slider.addEventListener("input", () => {
    state.aus[one.name] = Number(slider.value);
    updated();
  });
  const value = document.createElement("output");
  value.id = `value-${one.name}`;
  value.htmlFor = slider.id;
  value.textContent = "0.00";
  row.append(picture, words, slider, value);
  return row;
}

function build(model) {
  state.model = model;
  part("model").textContent = model.model;
  for (const region of model.regions) {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = region.name;
    group.append(legend, ...region.units.map(unit));
    part("regions").append(group);
  }
  for (const [name, aus] of Object.entries(model.expressions)) {
    if (!Object.keys(aus).length) continue;
    const made = button(name[0].toUpperCase() + name.slice(1), () => {
      state.aus = { ...source(), ...aus };
      updated();
      say(`${made.textContent}: ${inWords(aus, {})}`);
    });
    made.disabled = true;
    part("expressions").append(made);
  }
}

function toggle(id, action) {
  part(id).addEventListener("click", () => {
    const pressed = part(id).getAttribute("aria-pressed") !== "true";
    part(id).setAttribute("aria-pressed", pressed);
    action(pressed);
    draw();
  });
}

async function fileOf(kind, preview = false) {
  const request = { ...asked(), kind, preview, keyframes: timeline.frames };
  return (await call("api/save", request)).blob();
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function webcam() {
  const camera = part("camera");
  if (camera.srcObject) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: camera.videoWidth, height: camera.videoHeight });
    canvas.getContext("2d").drawImage(camera, 0, 0);
    for (const track of camera.srcObject.getTracks()) track.stop();
    camera.srcObject = null;
    camera.hidden = true;
    part("webcam").textContent = "Use the webcam";
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    await open(blob, "webcam.png");
    return;
  }
  if (!navigator.mediaDevices) throw new Error("This browser gives no webcam to this page.");
  camera.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  camera.hidden = false;
  part("picture").hidden = part("empty").hidden = true;
  await camera.play();
  part("webcam").textContent = "Take the picture";
}

function connectPhoto() {
  const take = (file) => file && attempt(() => open(file, file.name));
  // Else the file that was chosen last would be no change.
  part("file").addEventListener("click", () => { part("file").value = ""; });
  part("file").addEventListener("change", () => take(part("file").files[0]));
  part("webcam").addEventListener("click", () => attempt(webcam));
  part("face").addEventListener("change", () => chooseFace(Number(part("face").value)));
  const drop = part("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
}

function connectExpression() {
  part("neutral").addEventListener("click", () => {
    state.aus = Object.fromEntries(Object.keys(source()).map((name) => [name, 0]));
    updated();
    say("Every action unit is at 0.");
  });
  part("reset").addEventListener("click", () => {
    state.aus = { ...source() };
    updated();
    say("As in the photo.");
  });
  toggle("before", () => {});
  toggle("attention", (pressed) => { state.show = pressed ? "attention" : "result"; });
}

function connectFiles() {
  part("add").addEventListener("click", () => {
    timeline.add(Math.max(0, Number(part("moment").value) || 0), state.aus);
    listKeyFrames();
    say(`${timeline.frames.length} key frames.`);
  });
  part("play").addEventListener("click", () => attempt(async () => {
    say("Making the animation …");
    showPicture(await fileOf("webp", true), "The animation");
    say("Playing. Move a slider to go on.");
  }));
  for (const one of document.querySelectorAll(".save")) {
    one.addEventListener("click", () => attempt(async () => {
      say(`Making the ${one.dataset.kind.toUpperCase()} …`);
      download(await fileOf(one.dataset.kind), `studio.${one.dataset.kind}`);
      say(`studio.${one.dataset.kind} is saved.`);
    }));
  }
  part("keyfile").addEventListener("click", () => {
    download(new Blob([timeline.file()], { type: "application/json" }), "keyframes.json");
  });
}

attempt(async () => {
  build(await (await fetch("api/model")).json());
  connectPhoto();
  connectExpression();
  connectFiles();
});

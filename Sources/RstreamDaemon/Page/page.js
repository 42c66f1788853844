// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// What the daemon has written is complete when the page arrives. This keeps it current: it asks for the status and the
// streams every two seconds, follows the events, and draws what went by. It asks the daemon that served it and nothing
// else, and puts texts into the page as texts only.

"use strict";

const interval = 2000;
const samples = 60;
const most = { tunnels: 500, sessions: 100, listeners: 100, streams: 100, events: 100 };

const byId = (id) => document.getElementById(id);

// MARK: Texts, in the words and units of rstreamctl

// What a person cannot see, or what changes how its neighbours are seen, as an escape.
const shown = (text) =>
  String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (hidden) =>
    `\\u{${hidden.codePointAt(0).toString(16).toUpperCase()}}`);

function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

const decimal = (number) => number < 99.95 ? number.toFixed(1) : Math.round(number).toString();

function took(seconds) {
  const milliseconds = Math.max(0, seconds) * 1000;
  if (milliseconds < 1000) return `${decimal(milliseconds)} ms`;
  return milliseconds < 60000 ? `${decimal(milliseconds / 1000)} s` : age(milliseconds);
}

function bytes(number) {
  let [unit, name] = [1, "B"];
  for (const larger of ["KiB", "MiB", "GiB", "TiB", "PiB"]) {
    if (number < unit * 1024 - unit / 2) break;
    [unit, name] = [unit * 1024, larger];
  }
  return unit === 1 ? `${Math.round(number)} B` : `${decimal(number / unit)} ${name}`;
}

const rate = (number) => `${bytes(Math.max(0, number))}/s`;

function tone(state) {
  switch (state) {
    case "online": case "listening": case "relaying": return "good";
    case "connecting": case "waiting": case "pending": case "opening": case "holding": case "draining": return "waiting";
    case "rejected": return "bad";
    default: return "";
  }
}

// MARK: Pieces of the page

const svgNames = "http://www.w3.org/2000/svg";

function element(name, properties, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

// Only addresses of web servers become links. What follows the address, as in "https://a.example (webtty)", is text.
function address(text) {
  const [url, ...rest] = text.split(" ");
  if (!/^https?:\/\/[!-~]+$/i.test(url)) return [shown(text)];
  const link = element("a", { href: url, rel: "noreferrer" }, shown(url));
  return rest.length ? [link, ` ${shown(rest.join(" "))}`] : [link];
}

const state = (word) => element("span", { className: `state ${tone(word)}`.trim() }, shown(word));

// A line of what went by, as high as its own maximum. The number beside it says the same to those who cannot see it.
function chart(numbers) {
  const width = 120;
  const height = 24;
  const highest = Math.max(...numbers, 1);
  const points = numbers.map((number, index) => {
    const x = width - (numbers.length - 1 - index) * (width / (samples - 1));
    return `${x.toFixed(1)},${(height - 1 - (number / highest) * (height - 2)).toFixed(1)}`;
  });
  const svg = document.createElementNS(svgNames, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  if (points.length > 1) {
    const start = points[0].split(",")[0];
    const area = document.createElementNS(svgNames, "polygon");
    area.setAttribute("points", `${start},${height} ${points.join(" ")} ${width},${height}`);
    const line = document.createElementNS(svgNames, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(area, line);
  }
  return svg;
}

// A cell is a text, or { signature, nodes } where it is more: it is made anew only when the signature changes, so that
// focus and selection stay where they are.
function fill(cell, content) {
  const { signature, nodes } = typeof content === "string" ? { signature: content, nodes: () => [content] } : content;
  if (cell.signature === signature) return;
  cell.signature = signature;
  cell.replaceChildren(...nodes());
}

const stateCell = (word, note) => ({
  signature: `${word}\n${note ?? ""}`,
  nodes: () => note ? [state(word), element("small", {}, shown(note))] : [state(word)],
});

const noted = (text, note) => note
  ? { signature: `${text}\n${note}`, nodes: () => [shown(text), element("small", {}, shown(note))] }
  : shown(text);

// Brings the rows of a table in line with the items: rows of those that are gone go, new ones come, the rest stays.
function rows(id, items, keyOf, cellsOf, total = items.length) {
  const body = byId(id);
  const names = [...body.closest("table").querySelectorAll("th")].map((head) => [head.textContent, head.className]);
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const kept = new Set();
  let place = body.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let row = known.get(key);
    // A tunnel that is draining may have the name of one that has taken its place.
    if (!row || kept.has(row)) {
      row = element("tr", {}, ...names.map(([name, className]) => {
        const cell = element("td", { className });
        cell.setAttribute("role", "cell");
        cell.dataset.name = name;
        return cell;
      }));
      row.setAttribute("role", "row");
      row.dataset.key = key;
    }
    kept.add(row);
    cellsOf(item).forEach((content, index) => fill(row.cells[index], content));
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
  }
  for (const row of [...body.rows]) if (!kept.has(row)) row.remove();
  rest(id, total, items.length);
}

function rest(id, total, count) {
  byId(`${id}-rest`).textContent =
    total === 0 ? "None." : total > count ? `${total - count} more; rstreamctl shows all of them.` : "";
}

// MARK: What went by

// For each name the latest rates and the totals that the next ones are counted from.
const history = new Map();

function observe(name, totals, now) {
  const before = history.get(name);
  const entry = { totals, at: now, rates: before?.rates ?? [], latest: before?.latest ?? null };
  history.set(name, entry);
  const seconds = before ? (now - before.at) / 1000 : 0;
  if (!before || seconds <= 0) return entry;
  // A daemon that has started anew counts from zero.
  entry.latest = totals.map((total, index) => Math.max(0, total - before.totals[index]) / seconds);
  entry.rates = [...before.rates, entry.latest].slice(-samples);
  return entry;
}

const both = (entry) => entry.rates.map(([received, sent]) => received + sent);

// MARK: The parts of the status

function figures(status, now) {
  const wanted = status.tunnels.filter((tunnel) => !["disabled", "draining", "closed"].includes(tunnel.state));
  const online = wanted.filter((tunnel) => tunnel.state === "online").length;
  const count = `${online} of ${wanted.length}`;
  fill(byId("tunnels-online"), count);
  fill(byId("streams-active"), String(status.streams.active));
  fill(byId("streams-total"), {
    signature: `${status.streams.total} ${status.streams.failed}`,
    nodes: () => [`${status.streams.total} `, element("small", {}, `${status.streams.failed} failed`)],
  });
  const sum = (which) =>
    [...status.tunnels, ...status.listeners].reduce((all, { bytes }) => all + bytes[which], 0);
  const totals = [sum("received"), sum("sent")];
  const entry = observe("", totals, now);
  ["received", "sent"].forEach((which, index) => fill(byId(which), {
    signature: `${now}`,
    nodes: () => [
      `${bytes(totals[index])} `,
      element("small", {}, entry.latest ? rate(entry.latest[index]) : ""),
      chart(entry.rates.map((rates) => rates[index])),
    ],
  }));
  document.title = `rstreamd: ${count} tunnels online`;
  fill(byId("version"), shown(status.daemon.version));
  const { state: daemonState, pid, startedAt } = status.daemon;
  fill(byId("since"), `${shown(daemonState)}, process ${pid}, for ${age(now - Date.parse(startedAt))}`);
}

// As `PageFinding` of the daemon.
function findings(status, live) {
  const found = live.reasons.map((reason) => ({ about: "daemon", message: reason }));
  const reload = status.daemon.lastReload;
  if (reload?.outcome === "refused") {
    const fix = "correct the files and reload; until then everything goes on as before";
    found.push({ about: "last reload", message: reload.message, fix });
  }
  const add = (about, error) => { if (error) found.push({ about, message: error.message, fix: error.fix }); };
  for (const session of status.sessions) add(`session ${session.context}`, session.lastError);
  for (const tunnel of status.tunnels) {
    const about = `tunnel ${tunnel.name}`;
    add(about, tunnel.lastError);
    const asWanted = ["disabled", "online", "standby", "draining", "closed"].includes(tunnel.state);
    if (!tunnel.lastError && !asWanted) found.push({ about, message: `is ${tunnel.state}` });
    for (const upstream of tunnel.upstreams) {
      if (upstream.lastError && upstream.lastError.message !== tunnel.lastError?.message) add(about, upstream.lastError);
    }
  }
  for (const listener of status.listeners) {
    const about = `listener ${listener.name}`;
    add(about, listener.lastError);
    if (!listener.lastError && listener.state !== "listening") found.push({ about, message: `is ${listener.state}` });
  }
  return found;
}

function health(found) {
  const list = byId("health");
  fill(list, {
    signature: JSON.stringify(found),
    nodes: () => found.length === 0
      ? [element("li", { className: "good" }, "Nothing is wrong.")]
      : found.slice(0, 50).map(({ about, message, fix }) => {
        const item = element("li", {}, element("strong", {}, shown(about)), `: ${shown(message)}`);
        if (fix) item.append(element("span", { className: "fix" }, `Fix: ${shown(fix)}`));
        return item;
      }),
  });
}

function tunnels(all, now) {
  rows("tunnels", all.slice(0, most.tunnels), (tunnel) => tunnel.name, (tunnel) => {
    const entry = observe(`tunnel ${tunnel.name}`, [tunnel.bytes.received, tunnel.bytes.sent], now);
    const traffic = entry.latest ? rate(entry.latest[0] + entry.latest[1]) : "";
    return [
      noted(tunnel.name, tunnel.byHand ? "by hand" : ""),
      stateCell(tunnel.state),
      { signature: tunnel.forwardingAddress ?? "", nodes: () => address(tunnel.forwardingAddress ?? "") },
      shown(tunnel.forward),
      String(tunnel.streams.active),
      String(tunnel.streams.total),
      String(tunnel.streams.failed),
      bytes(tunnel.bytes.received),
      bytes(tunnel.bytes.sent),
      { signature: `${now}`, nodes: () => [traffic, chart(both(entry))] },
    ];
  }, all.length);
}

function sessions(all, now) {
  rows("sessions", all.slice(0, most.sessions), (session) => session.id, (session) => {
    const end = session.tokenExpiresAt ?? session.certificateExpiresAt;
    const unchecked = session.verification === "full" ? "" : "certificates are not all checked";
    return [
      shown(session.context),
      stateCell(session.state, unchecked),
      shown(session.engine),
      age(now - Date.parse(session.since)),
      session.heartbeatRttSeconds === null ? "" : took(session.heartbeatRttSeconds),
      end ? `ends in ${age(Date.parse(end) - now)}` : "",
    ];
  }, all.length);
}

function listeners(all) {
  rows("listeners", all.slice(0, most.listeners), (listener) => listener.name, (listener) => [
    shown(listener.name),
    stateCell(listener.state),
    shown(listener.addresses.join(" ") || listener.listen),
    shown(listener.dial),
    String(listener.streams.active),
    String(listener.streams.total),
    String(listener.streams.failed),
    bytes(listener.bytes.received),
    bytes(listener.bytes.sent),
  ], all.length);
}

function streams(all, now) {
  // The latest first: they are those that a person who looks has just opened.
  rows("streams", all.slice(-most.streams).reverse(), (stream) => stream.id, (stream) => [
    shown(way(stream) ?? ""),
    stateCell(stream.state),
    shown(stream.source ?? ""),
    age(now - Date.parse(stream.openedAt)),
    bytes(stream.bytes.received),
    bytes(stream.bytes.sent),
  ], all.length);
}

// MARK: Events

const recent = [];

function eventDetails(event) {
  return [
    event.source && `from ${event.source}`,
    event.upstream && `to ${event.upstream}`,
    event.outcome,
    event.forwardingAddress,
    event.bytes && `received ${bytes(event.bytes.received)}, sent ${bytes(event.bytes.sent)}`,
    event.durationSeconds !== undefined && `in ${took(event.durationSeconds)}`,
    event.changes && `changes: ${event.changes.length}`,
    event.message,
    event.missed && `${event.missed} events were missed`,
    event.error?.message,
  ].filter(Boolean).join(", ");
}

// What a stream goes through, or an event is about.
function way({ tunnel, listener, dial }) {
  if (tunnel) return tunnel;
  if (listener) return `listener ${listener}`;
  return dial ? `dial ${dial}` : undefined;
}

const eventSubject = (event) => way(event) ?? event.context ?? "";

function showEvents() {
  rows("events", recent, (event) => String(event.id), (event) => [
    {
      signature: event.time,
      nodes: () => [element("time", { dateTime: event.time }, new Date(event.time).toLocaleTimeString())],
    },
    shown(event.type),
    shown(eventSubject(event)),
    noted(eventDetails(event), event.error?.fix ? `Fix: ${event.error.fix}` : ""),
  ]);
}

function received(event) {
  recent.unshift(event);
  recent.length = Math.min(recent.length, most.events);
}

// Follows the events, from the oldest that the daemon still has. A browser's own EventSource begins with the next one.
async function follow() {
  let last = 0;
  for (;;) {
    try {
      const reply = await fetch("v1/events", { headers: { "Last-Event-ID": String(last) }, cache: "no-store" });
      if (!reply.ok) throw new Error(reply.statusText);
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const data = part.split("\n").find((line) => line.startsWith("data: "));
          if (!data) continue;
          const event = JSON.parse(data.slice(6));
          last = event.id;
          received(event);
        }
        showEvents();
      }
    } catch {
      // The status says that the daemon cannot be reached.
    }
    await pause(interval);
  }
}

// MARK: The course of things

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function ask(path) {
  const reply = await fetch(path, { cache: "no-store" });
  // Health that is bad has status 503, and says why.
  if (!reply.ok && reply.status !== 503) throw new Error(reply.statusText);
  return reply.json();
}

async function update() {
  const [status, open, live] = await Promise.all([ask("v1/status"), ask("v1/streams"), ask("v1/health/live")]);
  const now = Date.now();
  figures(status, now);
  health(findings(status, live));
  tunnels(status.tunnels, now);
  sessions(status.sessions, now);
  listeners(status.listeners);
  streams(open, now);
  const known = new Set(status.tunnels.map((tunnel) => `tunnel ${tunnel.name}`));
  for (const name of history.keys()) if (name !== "" && !known.has(name)) history.delete(name);
}

async function run() {
  for (;;) {
    const start = performance.now();
    if (!document.hidden) {
      try {
        await update();
        fill(byId("live"), "Live");
      } catch {
        fill(byId("live"), "The daemon does not answer; trying again");
      }
    }
    // With many tunnels an update takes its time: the daemon has more to do than this.
    await pause(Math.max(interval, 10 * (performance.now() - start)));
  }
}

run();
follow();

// Draws the charts of a page with uPlot, from the figures in their `data-chart`; again when a part of the page is new.

const drawn = new WeakMap();
const DASHES = [[], [6, 4], [2, 3]];

function colour(element, name) {
  // A custom property may be `light-dark(…)`: only a real one is worked out by the browser.
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function clockOf(zone) {
  return zone ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone) : (seconds) => new Date(seconds * 1000);
}

function written(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "s") return value < 1 ? `${Math.round(value * 1000)} ms` : `${Number(value.toPrecision(3))} s`;
  return `${value.toLocaleString("en")}${unit ? ` ${unit}` : ""}`;
}

// Bars stand on each other: the sums are drawn from the highest to the lowest.
function stacked(series) {
  const sums = [];
  for (const one of series) {
    const below = sums.at(-1);
    sums.push(one.values.map((value, i) => (value ?? 0) + (below ? below[i] : 0)));
  }
  return sums;
}

function draw(plot) {
  drawn.get(plot)?.destroy();
  const chart = JSON.parse(plot.dataset.chart);
  const clock = clockOf(plot.dataset.zone);
  const ink = colour(plot, "--quiet");
  const line = colour(plot, "--line");
  const values = chart.bars ? stacked(chart.series) : chart.series.map((one) => one.values);
  const order = chart.series.map((_, i) => i);
  if (chart.bars) order.reverse();
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const reading = plot.parentElement.querySelector(".reading");
  const options = {
    width: Math.max(plot.clientWidth, 200),
    height: 180,
    legend: { show: false },
    tzDate: clock,
    cursor: { drag: { x: false, y: false }, points: { show: !chart.bars } },
    scales: { y: { range: (_, low, high) => [0, Math.max(high, low, 0) * 1.05 || 1] } },
    axes: [{ ...axis, space: 64, values: (_, ticks) => ticks.map((tick) => timeOf(clock(tick), chart.times)) }, { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => written(tick, chart.unit === "s" ? "s" : "")) }],
    series: [
      {},
      ...order.map((i) => {
        const one = chart.series[i];
        const stroke = colour(plot, `--role-${one.role}`);
        return chart.bars
          ? { label: one.label, stroke, fill: stroke, paths: uPlot.paths.bars({ size: [0.8, 24] }), points: { show: false } }
          : { label: one.label, stroke, width: 2, dash: one.dashed ? DASHES[1 + ((i % 3) === 2)] : DASHES[0], points: { show: false }, spanGaps: true };
      }),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const at = self.cursor.idx;
          if (at === null || at === undefined || !reading) return;
          const figures = chart.series.map((one) => `${one.label} ${written(one.values[at], chart.unit)}`);
          reading.textContent = `${timeOf(clock(chart.times[at]), chart.times)}: ${figures.join(", ")}`;
        },
      ],
    },
  };
  drawn.set(plot, new uPlot(options, [chart.times, ...order.map((i) => values[i])], plot));
}

function timeOf(at, times) {
  const two = (figure) => String(figure).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return times.at(-1) - times[0] > 90000 ? `${at.getDate()} ${at.toLocaleString("en", { month: "short" })}, ${clock}` : clock;
}

function fill(details) {
  const plot = details.parentElement.querySelector("[data-chart]");
  const place = details.querySelector("div");
  if (!details.open || !plot || place.firstChild) return;
  const chart = JSON.parse(plot.dataset.chart);
  const clock = clockOf(plot.dataset.zone);
  const table = document.createElement("table");
  table.className = "table";
  const head = table.createTHead().insertRow();
  for (const label of ["Time", ...chart.series.map((one) => one.label)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = label;
    head.append(cell);
  }
  const body = table.createTBody();
  for (let i = chart.times.length - 1; i >= 0; i--) {
    const row = body.insertRow();
    row.insertCell().textContent = timeOf(clock(chart.times[i]), chart.times);
    for (const one of chart.series) row.insertCell().textContent = written(one.values[i], chart.unit);
  }
  place.append(table);
}

function drawAll(within) {
  for (const plot of within.querySelectorAll("[data-chart]")) draw(plot);
}

// What a reader has opened stays open when the part is drawn anew.
let open = new Set();
const nameOf = (details) => details.closest("section")?.id;
document.addEventListener("htmx:beforeSwap", () => {
  open = new Set([...document.querySelectorAll(".figures[open]")].map(nameOf));
});
document.addEventListener("htmx:afterSettle", () => {
  for (const details of document.querySelectorAll(".figures")) if (open.has(nameOf(details))) details.open = true;
  drawAll(document);
});
document.addEventListener("toggle", (event) => event.target.matches?.(".figures") && fill(event.target), true);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => drawAll(document), 150);
});
drawAll(document);

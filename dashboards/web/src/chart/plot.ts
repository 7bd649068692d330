// The drawing of one curve with uPlot; loaded only when a chart is first shown.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { LimitLine } from "../api/types.ts";
import { words } from "../catalogue.ts";
import { clockTime, plain } from "../format.ts";
import type { Curve } from "./columns.ts";

export interface Picture {
  curve: Curve;
  start: number;
  end: number;
  onset: number | null;
  limits: readonly LimitLine[];
  unit: string;
  digits: number;
  stepped: boolean;
}

const SECOND = 1_000_000;
const INK = "#e9ecee";
const SOFT = "#aab3bb";
const GRID = "#30363c";
const FONT = '12px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';

let hatches: { bad: CanvasPattern | null; uncertain: CanvasPattern | null } | null = null;

function hatch(context: CanvasRenderingContext2D, ink: string, gap: number): CanvasPattern | null {
  const tile = document.createElement("canvas");
  tile.width = tile.height = gap;
  const pen = tile.getContext("2d");
  if (!pen) return null;
  pen.strokeStyle = ink;
  pen.lineWidth = 1.5;
  for (const shift of [-gap, 0, gap]) {
    pen.moveTo(shift, gap);
    pen.lineTo(shift + gap, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function drawSpans(plot: uPlot, picture: Picture): void {
  const { ctx: context, bbox } = plot;
  hatches ??= { bad: hatch(context, "#ffffff66", 9), uncertain: hatch(context, "#ffffff30", 16) };
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  for (const span of picture.curve.spans) {
    const left = plot.valToPos(span.start, "x", true);
    const width = Math.max(2, plot.valToPos(span.end, "x", true) - left);
    context.fillStyle = (span.bad ? hatches.bad : hatches.uncertain) ?? "#ffffff22";
    context.fillRect(left, bbox.top, width, bbox.height);
  }
  context.restore();
}

function drawLines(plot: uPlot, picture: Picture): void {
  const { ctx: context, bbox } = plot;
  const ratio = uPlot.pxRatio;
  context.save();
  context.font = FONT.replace("12px", `${12 * ratio}px`);
  context.lineWidth = 1.5 * ratio;
  context.strokeStyle = context.fillStyle = INK;
  context.textAlign = "right";
  context.textBaseline = "alphabetic";
  const taken: number[] = [];
  for (const limit of picture.limits) {
    const y = Math.round(plot.valToPos(limit.value, "y", true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    line(context, bbox.left, y, bbox.left + bbox.width, y, [8 * ratio, 5 * ratio]);
    let textY = y - 4 * ratio < bbox.top + 12 * ratio ? y + 14 * ratio : y - 5 * ratio;
    while (taken.some((other) => Math.abs(other - textY) < 14 * ratio)) textY += 14 * ratio;
    taken.push(textY);
    const label = `${limit.title.zh} ${limit.title.en}  ${plain(limit.value)} ${picture.unit}`;
    outlined(context, label, bbox.left + bbox.width - 6 * ratio, textY, ratio);
  }
  if (picture.onset !== null) {
    const x = Math.round(plot.valToPos(picture.onset / SECOND, "x", true));
    line(context, x, bbox.top, x, bbox.top + bbox.height, []);
    const late = x > bbox.left + bbox.width * 0.85;
    context.textAlign = late ? "right" : "left";
    outlined(context, `${words.onset.zh} ${words.onset.en}`, x + (late ? -5 : 5) * ratio, bbox.top + bbox.height - 6 * ratio, ratio);
  }
  context.restore();
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number, dash: number[]): void {
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function outlined(context: CanvasRenderingContext2D, label: string, x: number, y: number, ratio: number): void {
  context.setLineDash([]);
  context.save();
  context.strokeStyle = "#1d2125";
  context.lineWidth = 4 * ratio;
  context.lineJoin = "round";
  context.strokeText(label, x, y);
  context.restore();
  context.fillText(label, x, y);
}

/** Everything that matters is inside: the curve and its limits. */
function yRange(picture: Picture, low: number | null, high: number | null): [number, number] {
  const values = [...picture.limits.map((limit) => limit.value)];
  if (low !== null) values.push(low);
  if (high !== null) values.push(high);
  if (values.length === 0) return [0, 1];
  const bottom = Math.min(...values);
  const top = Math.max(...values);
  const room = (top - bottom || Math.abs(top) || 1) * 0.12;
  return [bottom - room, top + room];
}

const shortTime = (splits: number[]): string[] => {
  const fine = (splits[1] ?? 60) - (splits[0] ?? 0) < 60;
  return splits.map((at) => clockTime(at * SECOND).slice(0, fine ? 8 : 5));
};

export function makePlot(host: HTMLElement, current: () => Picture, width: number, height: number): uPlot {
  const first = current();
  const path = first.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
  const shown = (_: uPlot, value: number | null) =>
    value === null ? "—" : `${value.toFixed(current().digits)} ${current().unit}`;
  const axis = { stroke: SOFT, font: FONT, grid: { stroke: GRID, width: 1 }, ticks: { stroke: GRID, width: 1 } };
  const edge = { stroke: "transparent", points: { show: false }, value: shown, ...path };
  return new uPlot(
    {
      width,
      height,
      legend: { live: true },
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => [current().start / SECOND, current().end / SECOND] },
        y: { range: (_plot, low, high) => yRange(current(), low, high) },
      },
      axes: [
        { ...axis, values: (_, splits) => shortTime(splits), space: 90 },
        { ...axis, size: 64, values: (_, splits) => splits.map((at) => (first.stepped && !Number.isInteger(at) ? "" : plain(at))) },
      ],
      series: [
        { label: `${words.time.zh} ${words.time.en}`, value: (_, at) => (at === null ? "" : clockTime(at * SECOND)) },
        { ...edge, label: `${words.lowest.zh} ${words.lowest.en}` },
        { ...edge, label: `${words.highest.zh} ${words.highest.en}` },
        { label: `${words.mean.zh} ${words.mean.en}`, stroke: INK, width: 1.6, points: { show: false }, value: shown, ...path },
      ],
      bands: [{ series: [2, 1], fill: "#9fb0c055" }],
      hooks: {
        drawClear: [(plot) => drawSpans(plot, current())],
        draw: [(plot) => drawLines(plot, current())],
      },
    },
    columnsOf(first),
    host,
  );
}

export function columnsOf({ curve }: Picture): uPlot.AlignedData {
  return [curve.x, curve.low, curve.high, curve.mean];
}

/** The figures of one run as a picture: how long a start takes to its exit, from a small Node process and from a large one. */
import type { SectionResult, Row } from './report.js';

interface Bar {
  readonly name: string;
  /** Milliseconds, medians; the second one from a process with 300 MB of buffers. */
  readonly smallMs: number;
  readonly largeMs: number | undefined;
}

const [left, barWidth, right] = [150, 470, 100];
const [top, rowHeight, barHeight] = [70, 42, 14];
const [lineHeight, bottom] = [16, 46];

const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.note { font-size: 11px; fill: #59636e }
.small { fill: #0969da } .large { fill: #9ec5f4 }
.own { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1 } .small { fill: #4493f8 } .large { fill: #1f4b85 } rect.back { fill: #0d1117 }
}`;

/** @param hostLines what the picture says of where it was measured */
export function chartOf(small: SectionResult, large: SectionResult | undefined, hostLines: readonly string[]): string {
  const bars = small.rows.map((row) => barOf(row, large)).sort((a, b) => a.smallMs - b.smallMs);
  const longest = Math.max(...bars.flatMap(({ smallMs, largeMs }) => [smallMs, largeMs ?? 0]));
  const [width, height] = [left + barWidth + right, top + bars.length * rowHeight + bottom];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Milliseconds from start to exit, for each runtime">`,
    `<style>${style}</style>`,
    `<rect class="back" width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text class="title" x="16" y="28">Start of a static true, to its exit (ms, median)</text>`,
    ...legend(),
    ...bars.flatMap((bar, index) => drawn(bar, top + index * rowHeight, barWidth / longest)),
    ...hostLines.map((line, index) => `<text class="note" x="16" y="${height - bottom + 18 + index * lineHeight}">${escaped(line)}</text>`),
    '</svg>',
    '',
  ].join('\n');
}

function barOf({ name, figures }: Row, large: SectionResult | undefined): Bar {
  return { name: isOwn(name) ? 'tsrun, embedded' : name, smallMs: figures.p50, largeMs: large?.rows.find((row) => row.name === name)?.figures.p50 };
}

function isOwn(name: string): boolean {
  return name.startsWith('embedded');
}

function legend(): string[] {
  const entry = (x: number, kind: string, text: string) => `<rect class="${kind}" x="${x}" y="42" width="12" height="12"/><text class="note" x="${x + 18}" y="52">${text}</text>`;
  return [entry(left, 'small', 'from a small Node process'), entry(left + 190, 'large', 'from one with 300 MB of buffers')];
}

function drawn({ name, smallMs, largeMs }: Bar, y: number, scale: number): string[] {
  const bar = (ms: number, kind: string, at: number) => [
    `<rect class="${kind}" x="${left}" y="${at}" width="${Math.max(1, ms * scale).toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `<text class="note" x="${(left + ms * scale + 6).toFixed(1)}" y="${at + 11}">${ms.toFixed(1)}</text>`,
  ];
  const title = `<text${name.startsWith('tsrun') ? ' class="own"' : ''} x="${left - 10}" y="${y + 19}" text-anchor="end">${escaped(name)}</text>`;
  return [title, ...bar(smallMs, 'small', y), ...(largeMs === undefined ? [] : bar(largeMs, 'large', y + barHeight + 2))];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

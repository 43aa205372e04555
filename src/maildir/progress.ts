import type { Count } from './run.js';

/** Where a progress line goes: a terminal. */
export interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

/** Milliseconds between two drawings. */
const INTERVAL = 200;

/** Characters of the bar. */
const BAR = 24;

/** One line on a terminal: a bar, how many messages, the rate, the time that is left. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #total: Readonly<Count> = { messages: 0, octets: 0 };
  readonly #done: Count = { messages: 0, octets: 0 };
  #began = 0;
  #drawn = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
  }

  begin(total: Readonly<Count>): void {
    this.#total = total;
    this.#began = this.#now();
    this.#draw();
  }

  /** One more message of so many octets. */
  advance(octets: number): void {
    this.#done.messages++;
    this.#done.octets += octets;
    if (this.#now() - this.#drawn >= INTERVAL) this.#draw();
  }

  /** Takes the line away, so that other lines can be written. */
  clear(): void {
    if (this.#drawn > Number.NEGATIVE_INFINITY) this.#terminal.write('\r\x1b[K');
    this.#drawn = Number.NEGATIVE_INFINITY;
  }

  #draw(): void {
    this.#drawn = this.#now();
    const line = progressLine(this.#done, this.#total, (this.#drawn - this.#began) / 1000);
    // A serial line, or script(1), tells no width.
    const { columns = 0 } = this.#terminal;
    this.#terminal.write(`\r${line.slice(0, (columns > 0 ? columns : 80) - 1)}\x1b[K`);
  }
}

/** What a message costs beside its octets, in octets that take as long: two confirmations by the disk, mostly. */
const MESSAGE_COST = 100_000;

const workOf = ({ messages, octets }: Readonly<Count>): number => octets + messages * MESSAGE_COST;

/** The line's text after so many seconds. */
export function progressLine(done: Readonly<Count>, total: Readonly<Count>, seconds: number): string {
  const part = total.messages > 0 ? Math.min(1, workOf(done) / workOf(total)) : 1;
  const full = Math.round(part * BAR);
  const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`;
  const messages = `${done.messages} of ${Math.max(total.messages, done.messages)} messages`;
  const text = `${bar} ${Math.floor(part * 100)} %  ${messages}`;
  if (seconds < 1 || part === 0) return text;
  const left = (seconds / part) * (1 - part);
  return `${text}  ${sizeText(done.octets / seconds)}/s  ${durationText(left)} left`;
}

/** Octets for people, in decimal units. */
export function sizeText(octets: number): string {
  let value = octets;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1000) return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

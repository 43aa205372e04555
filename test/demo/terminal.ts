/** How the demo speaks: lines, steps with their time, two columns. */

export interface Terminal {
  /** Columns; undefined where it is no terminal. */
  readonly width: number | undefined;
  readonly bold: (text: string) => string;
  readonly write: (text: string) => void;
}

/** What a stream is. No colours where they are not wanted (no-color.org), or cannot be shown. */
export function terminal(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = (stream.isTTY as boolean | undefined) === true;
  const coloured = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    width: isTerminal ? stream.columns : undefined,
    bold: (text) => (coloured ? `\u001b[1m${text}\u001b[0m` : text),
    write: (text) => {
      stream.write(text);
    },
  };
}

/** Says what is being done, and how long it took. */
export async function step<T>({ write }: Terminal, text: string, work: () => Promise<T>): Promise<T> {
  write(`  ${text} `);
  const start = performance.now();
  try {
    const result = await work();
    const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`;
    write(`${'.'.repeat(Math.max(2, 66 - text.length))} ${seconds.padStart(7)}\n`);
    return result;
  } catch (error) {
    write('... failed\n');
    throw error;
  }
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly string[];
  /** Lines that are too long are cut, not wrapped. */
  readonly exact?: true;
}

/** The least width for two columns. */
const NARROW = 72;
/** Lines longer than this are no easier to read in a wider terminal. */
const WIDE = 110;

/** Two panels side by side, or one below the other where that does not fit. */
export function sideBySide([left, right]: readonly [Panel, Panel], { width, bold }: Terminal): string {
  const inner = Math.min(width ?? 80, WIDE) - 2;
  if (width === undefined || width < NARROW) {
    const panel = (one: Panel): string =>
      [bold(one.title), '', ...fitted(one, inner)].map((line) => `  ${line}`.trimEnd()).join('\n');
    return `${panel(left)}\n\n${panel(right)}\n`;
  }
  const column = Math.floor((inner - 3) / 2);
  const rows = (panel: Panel): string[] => [panel.title, '-'.repeat(column), ...fitted(panel, column)];
  const [one, two] = [rows(left), rows(right)];
  return Array.from({ length: Math.max(one.length, two.length) }, (_, index) => {
    const [a, b] = [(one[index] ?? '').padEnd(column), two[index] ?? ''];
    return `  ${index === 0 ? `${bold(a)} | ${bold(b)}` : `${a} | ${b}`}`.trimEnd().concat('\n');
  }).join('');
}

function fitted({ lines, exact }: Panel, width: number): string[] {
  return lines.flatMap((line) => (exact === true ? [cut(line, width)] : wrap(line, width)));
}

/** Lines of words; a word that does not fit is cut. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const longer = lines.length === 1 && line === '' ? word : `${line} ${word}`;
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else if (line === '') lines[lines.length - 1] = cut(word, width);
    else lines.push(cut(word, width));
  }
  return lines;
}

/** A line that is cut where it is too long, and shows it. */
function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 3)}...`;
}

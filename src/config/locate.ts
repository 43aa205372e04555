/**
 * In which line of a TOML document a value stands. The parser tells that of syntax errors alone; this reads a document that it has
 * accepted once more, for the keys only.
 */
import { parse } from 'smol-toml';

/** The keys, and the indices in arrays, that lead to a value from the top. */
export type KeyPath = readonly (string | number)[];

/** The line, from 1, of the value at this path, or of the closest around it that the document has. */
export type Locate = (path: KeyPath) => number;

/** Makes the finder for one valid document. */
export function locator(document: string): Locate {
  const lines = new Scanner(document).scan();
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const line = lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  };
}

const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const SPACE = /[ \t]*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
/** Triple-quoted text may end in one or two quotes of its own before the three that close it. */
const TEXTS = [/"""(?:\\[^]|(?!""")[^\\])*"{3,5}/y, /'''(?:(?!''')[^])*'{3,5}/y, /"(?:\\.|[^"\\\n])*"/y, /'[^'\n]*'/y];
/** Numbers, dates (a blank may stand inside), true and false. */
const SCALAR = /[^,\]}#\n]+/y;

class Scanner {
  readonly #document: string;
  readonly #lines = new Map<string, number>();
  /** The index of the last table of each array of tables. */
  readonly #last = new Map<string, number>();
  #at = 0;
  #line = 1;
  #counted = 0;

  constructor(document: string) {
    this.#document = document;
  }

  scan(): ReadonlyMap<string, number> {
    let table: KeyPath = [];
    for (;;) {
      this.#take(BLANK);
      const start = this.#at;
      if (this.#skip('[[')) table = this.#header(true);
      else if (this.#skip('[')) table = this.#header(false);
      else this.#assignment(table);
      // The parser has accepted the document, so this is its end. Should it not be, what is known so far is still right.
      if (this.#at === start) return this.#lines;
    }
  }

  #header(isArray: boolean): KeyPath {
    const keys = this.#keys();
    let path: KeyPath = [];
    for (const [index, key] of keys.entries()) {
      path = [...path, key];
      const isLast = index === keys.length - 1;
      const name = JSON.stringify(path);
      const count = this.#last.get(name);
      this.#note(path, isLast && !isArray);
      if (isLast && isArray) {
        const next = (count ?? -1) + 1;
        this.#last.set(name, next);
        path = [...path, next];
        this.#note(path, true);
      } else if (count !== undefined) path = [...path, count];
    }
    this.#skip(isArray ? ']]' : ']');
    return path;
  }

  #assignment(table: KeyPath): void {
    let path = table;
    for (const key of this.#keys()) {
      path = [...path, key];
      this.#note(path, false);
    }
    if (path === table || !this.#skip('=')) return;
    this.#take(SPACE);
    this.#value(path);
  }

  /** `a."b c".'d'`, and the blanks around it. */
  #keys(): readonly string[] {
    const keys: string[] = [];
    do {
      this.#take(SPACE);
      const key = this.#take(BARE_KEY) ?? this.#quotedKey();
      if (key === undefined) break;
      keys.push(key);
      this.#take(SPACE);
    } while (this.#skip('.'));
    return keys;
  }

  #quotedKey(): string | undefined {
    const quoted = this.#text();
    // The parser knows the escapes.
    return quoted === undefined ? undefined : Object.keys(parse(`${quoted} = 0`))[0];
  }

  #value(path: KeyPath): void {
    if (this.#skip('[')) this.#array(path);
    else if (this.#skip('{')) this.#inlineTable(path);
    else if (this.#text() === undefined) this.#take(SCALAR);
  }

  #array(path: KeyPath): void {
    for (let index = 0; ; index += 1) {
      this.#take(BLANK);
      const start = this.#at;
      if (this.#skip(']')) return;
      this.#note([...path, index], true);
      this.#value([...path, index]);
      this.#take(BLANK);
      this.#skip(',');
      if (this.#at === start) return;
    }
  }

  #inlineTable(path: KeyPath): void {
    for (;;) {
      this.#take(BLANK);
      const start = this.#at;
      if (this.#skip('}')) return;
      this.#assignment(path);
      this.#take(BLANK);
      this.#skip(',');
      if (this.#at === start) return;
    }
  }

  #text(): string | undefined {
    for (const pattern of TEXTS) {
      const text = this.#take(pattern);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** A table that is only named on the way to another stands there until it has a header of its own. */
  #note(path: KeyPath, isOwn: boolean): void {
    for (; this.#counted < this.#at; this.#counted += 1) if (this.#document[this.#counted] === '\n') this.#line += 1;
    const name = JSON.stringify(path);
    if (isOwn || !this.#lines.has(name)) this.#lines.set(name, this.#line);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#document)?.[0];
    if (text !== undefined) this.#at += text.length;
    return text;
  }

  #skip(text: string): boolean {
    const found = this.#document.startsWith(text, this.#at);
    if (found) this.#at += text.length;
    return found;
  }
}

/**
 * What was found: a word with something behind it (`more`) or with nothing (`end`), or none that follows the grammar (`broken`). White space
 * and comments behind a word are passed over.
 */
export type Outcome = 'more' | 'end' | 'broken';

/** Of the characters of an atom, those that no token of MIME has (RFC 2045 §5.1: tspecials). */
const ATOM_ONLY = '/=?';
const NOT_ATOM = '"(),.:;<>@[\\] \x7f';

/** 1 for a character of an atom (RFC 5322 §3.2.3), 2 for one of a token too. Octets beyond ASCII are both. */
const CLASSES = new Uint8Array(256);
for (let code = 0x21; code < 256; code++) {
  const char = String.fromCharCode(code);
  if (!NOT_ATOM.includes(char)) CLASSES[code] = ATOM_ONLY.includes(char) ? 1 : 3;
}

/** U+FFFD in UTF-8: a NUL that nobody can be sent. */
export const NUL_REPLACEMENT = '\xef\xbf\xbd';

/**
 * Reads the body of a structured field, as latin1 text, from left to right (RFC 5322 §3.2, RFC 2045 §5.1). Words are added to `word` without
 * their quotes, line ends and quoting backslashes. What is broken is told as such and leaves the reader where that was noticed: mail that breaks
 * the grammar is shown as Dovecot shows it, which goes on from there.
 */
export class WordReader {
  readonly text: string;
  at = 0;
  /** What the methods have read, added up until it is emptied. */
  word = '';
  /** The content of the last comment passed over, until it is emptied. */
  comment = '';

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The character that comes next; of no length at the end. */
  peek(): string {
    return this.text.charAt(this.at);
  }

  /** Takes what has been read. */
  take(): string {
    const { word } = this;
    this.word = '';
    return word;
  }

  /** Passes over white space and comments. */
  space(): Outcome {
    for (;;) {
      const next = this.peek();
      if (next === ' ' || next === '\t' || next === '\r' || next === '\n') this.at++;
      else if (next !== '(') return this.#outcome();
      else if (this.#skipComment() === 'broken') return 'broken';
    }
  }

  /** Whether a word could begin here that a phrase goes on with. */
  get atPhraseWord(): boolean {
    return this.#is(1) || this.peek() === '"' || this.peek() === '.';
  }

  /** An atom. */
  atom(): Outcome {
    return this.#is(1) ? this.#run(1, '') : 'broken';
  }

  /** A token of MIME, dots included; may be of no length. */
  token(): Outcome {
    return this.#run(2, '.');
  }

  /** Atoms with dots between them, around which there may be white space (RFC 5322 §4.4). */
  dotAtom(): Outcome {
    for (;;) {
      const outcome = this.atom();
      if (outcome !== 'more' || this.peek() !== '.') return outcome;
      this.at++;
      this.word += '.';
      if (this.space() !== 'more') return 'broken';
    }
  }

  /** Atoms and dots in any order. */
  dotsAndAtoms(): Outcome {
    let outcome: Outcome = 'broken';
    for (;;) {
      while (this.peek() === '.') {
        this.word += '.';
        this.at++;
        if (this.atEnd) return 'end';
        outcome = 'more';
      }
      if (this.peek() === '@') return outcome;
      outcome = this.atom();
      if (outcome !== 'more' || this.peek() !== '.') return outcome;
    }
  }

  /** Words with one space between them (RFC 5322 §3.2.5). May be of no length. */
  phrase(): Outcome {
    if (this.atEnd) return 'end';
    if (this.peek() === '.') return 'broken';
    for (;;) {
      const outcome = this.peek() === '"' ? this.quotedString() : this.#run(1, '.');
      if (outcome !== 'more') return outcome;
      if (!this.atPhraseWord) return this.space();
      this.word += ' ';
    }
  }

  /** A quoted string that begins here. */
  quotedString(): Outcome {
    this.at++;
    const { content, isClosed } = this.#delimited('"');
    this.word += content;
    return isClosed ? this.space() : 'broken';
  }

  /** A domain literal that begins here, with its brackets and backslashes. */
  domainLiteral(): Outcome {
    const start = this.at++;
    for (; !this.atEnd; this.at++) {
      const next = this.peek();
      if (next === '[') return 'broken';
      if (next === '\\') this.at++;
      if (next !== ']') continue;
      this.at++;
      this.word += this.text.slice(start, this.at).replace(/\r?\n/g, '').replaceAll('\0', NUL_REPLACEMENT);
      return this.space();
    }
    return 'broken';
  }

  #skipComment(): Outcome {
    this.at++;
    const { content, isClosed } = this.#delimited(')', '(');
    this.comment = content;
    return isClosed ? this.#outcome() : 'broken';
  }

  /** What is between here and the closing character. Where that does not come, up to the last character that means something of its own. */
  #delimited(close: string, open?: string): { readonly content: string; readonly isClosed: boolean } {
    const { text } = this;
    let content = '';
    let depth = 1;
    // What has been passed from here on is not in the content yet.
    let from = this.at;
    for (; !this.atEnd; this.at++) {
      const next = this.peek();
      if (next === close && --depth === 0) {
        content += text.slice(from, this.at++);
        return { content, isClosed: true };
      }
      if (next === open) depth++;
      else if (next === '\0') {
        content += text.slice(from, this.at) + NUL_REPLACEMENT;
        from = this.at + 1;
      } else if (next === '\n') {
        content += text.slice(from, text[this.at - 1] === '\r' ? Math.max(from, this.at - 1) : this.at);
        from = this.at + 1;
      } else if (next === '\\') {
        const quoted = text.charAt(this.at + 1);
        if (quoted === '') this.at++;
        else if (!'\r\n\0'.includes(quoted)) {
          content += text.slice(from, this.at++);
          from = this.at;
        }
      }
    }
    return { content, isClosed: false };
  }

  /** The characters of a class, and those others, that come next. */
  #run(characters: 1 | 2, others: string): Outcome {
    const start = this.at;
    while (this.#is(characters) || (others !== '' && this.peek() === others)) this.at++;
    this.word += this.text.slice(start, this.at);
    return this.atEnd ? 'end' : this.space();
  }

  #is(characters: 1 | 2): boolean {
    const code = this.text.charCodeAt(this.at);
    return ((CLASSES[code] ?? 0) & characters) !== 0;
  }

  #outcome(): Outcome {
    return this.atEnd ? 'end' : 'more';
  }
}

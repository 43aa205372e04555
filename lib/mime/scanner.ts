/** Whether a character ends a token (RFC 2045 §5.1: tspecials, white space, controls); text beyond ASCII does too. */
function endsToken(char: string): boolean {
  return char <= ' ' || char > '~' || '()<>@,;:\\"/[]?='.includes(char);
}

/** Whether a character ends an atom or a run of atoms and dots (RFC 5322 §3.2.3: specials, white space). */
function endsAtom(char: string): boolean {
  return isSpace(char) || '()<>[]:;@\\,"'.includes(char);
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n';
}

/**
 * Reads the words of a structured field body (RFC 5322 §3.2, RFC 2045 §5.1) from left to right, in time proportional to its
 * length. White space, line ends and comments between words are passed over.
 */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/\r?\n(?=[ \t])/g, '');
  }

  /** The token that comes next, or the empty string. */
  token(): string {
    this.#skipSpace();
    const start = this.#at;
    for (let char = this.#text[this.#at]; char !== undefined && !endsToken(char); char = this.#text[++this.#at]);
    return this.#text.slice(start, this.#at);
  }

  /** The character that comes next; undefined at the end. */
  peek(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#at];
  }

  /** Passes over the character that comes next. */
  skip(): void {
    this.#skipSpace();
    this.#at++;
  }

  /** The atoms and dots that come next without space between (RFC 5322 §3.2.3, with UTF-8 as RFC 6532), or the empty string. */
  dotAtom(): string {
    this.#skipSpace();
    const start = this.#at;
    for (let char = this.#text[this.#at]; char !== undefined && !endsAtom(char); char = this.#text[++this.#at]);
    return this.#text.slice(start, this.#at);
  }

  /** A domain literal that begins here, with its brackets (RFC 5322 §3.4.1); one that is not closed ends with the text. */
  domainLiteral(): string {
    return `[${this.#delimited('[', ']')}]`;
  }

  /** Takes the character if it comes next. */
  take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /**
   * A parameter's value: a quoted string, or what stands up to a semicolon, white space or a comment, since many writers leave
   * the quotes off where RFC 2045 asks for them. Undefined where there is none.
   */
  value(): string | undefined {
    this.#skipSpace();
    if (this.#text[this.#at] === '"') return this.quotedString();
    const start = this.#at;
    for (let char = this.#text[this.#at]; char !== undefined; char = this.#text[++this.#at])
      if (char === ';' || char === '(' || isSpace(char)) break;
    return this.#at > start ? this.#text.slice(start, this.#at) : undefined;
  }

  /** The content of a quoted string that begins here; one that is not closed ends with the text (RFC 5322 §3.2.4). */
  quotedString(): string {
    return this.#delimited('"', '"');
  }

  /** Goes past the next such character outside quoted strings and comments. False at the end of the text. */
  skipPast(stop: string): boolean {
    for (;;) {
      this.#skipSpace();
      const char = this.#text[this.#at];
      if (char === undefined) return false;
      if (char === '"') {
        this.quotedString();
        continue;
      }
      this.#at++;
      if (char === stop) return true;
    }
  }

  /** White space, line ends and comments, which may nest (RFC 5322 §3.2.2). A comment that is not closed ends with the text. */
  #skipSpace(): void {
    for (;;) {
      if (isSpace(this.#text[this.#at])) this.#at++;
      else if (this.#text[this.#at] === '(') this.#delimited('(', ')');
      else return;
    }
  }

  /** What stands between the opening character here and its closing one, pairs inside counted, quoted pairs undone. */
  #delimited(open: string, close: string): string {
    let content = '';
    let depth = 1;
    let from = ++this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '\\') {
        content += this.#text.slice(from, this.#at);
        from = ++this.#at;
      } else if (char === close) {
        if (--depth === 0) return content + this.#text.slice(from, this.#at++);
      } else if (char === open) depth++;
    }
    return content + this.#text.slice(from);
  }
}

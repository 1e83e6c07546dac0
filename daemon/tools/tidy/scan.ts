/**
 * Tells code from comments and literals, without a parser: enough for rules that look for calls,
 * imports and words. Both results are as long as the text, with blanks for what was left out, so
 * that offsets and lines agree. The inside of string literals is blank in `code`; quotes stay.
 */

export interface Scanned {
  readonly code: string;
  readonly comments: string;
}

/** A slash after one of these begins a regular expression, not a division. */
const beforeRegExp = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in))\s*$/;

/** Several rules look at the same file. */
const known = new Map<string, Scanned>();

export function scan(path: string, text: string): Scanned {
  const isCpp = /\.(?:c|cpp|h)$/.test(path);
  const key = `${isCpp ? 'cpp' : 'ts'} ${text}`;
  const scanned = known.get(key) ?? new Scanner(text, isCpp).run();
  known.set(key, scanned);
  return scanned;
}

class Scanner {
  readonly #text: string;
  readonly #isCpp: boolean;
  readonly #code: string[];
  readonly #comments: string[];
  /** Depth of braces inside each template literal's `${`, innermost last. */
  readonly #templates: number[] = [];
  #at = 0;

  constructor(text: string, isCpp: boolean) {
    this.#text = text;
    this.#isCpp = isCpp;
    this.#code = blanks(text);
    this.#comments = blanks(text);
  }

  run(): Scanned {
    while (this.#at < this.#text.length) this.#step();
    return { code: this.#code.join(''), comments: this.#comments.join('') };
  }

  #step(): void {
    const { [this.#at]: here = '', [this.#at + 1]: next = '' } = this.#text;
    if (here === '/' && next === '/') return this.#comment(this.#indexOf('\n', 2));
    if (here === '/' && next === '*') return this.#comment(this.#indexOf('*/', 2) + 2);
    if (this.#isCpp && here === 'R' && next === '"') return this.#rawString();
    if (here === '"' || (here === "'" && !this.#isDigitSeparator())) return this.#string(here);
    if (!this.#isCpp && here === '`') return this.#template();
    if (!this.#isCpp && here === '/' && this.#isRegExp()) return this.#regExp();
    if (here === '{') this.#deepen(1);
    if (here === '}' && this.#templates.at(-1) === 0) {
      this.#templates.pop();
      return this.#template();
    }
    if (here === '}') this.#deepen(-1);
    this.#keep(this.#at + 1);
  }

  #deepen(by: number): void {
    const depth = this.#templates.at(-1);
    if (depth !== undefined) this.#templates[this.#templates.length - 1] = depth + by;
  }

  /** To the closing quote, or to the end of the line of a string that has none. */
  #string(quote: string): void {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== '\n') {
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#literal(end + 1);
  }

  #rawString(): void {
    const open = this.#indexOf('(', 2);
    const delimiter = this.#text.slice(this.#at + 2, open);
    const close = `)${delimiter}"`;
    this.#literal(this.#indexOf(close, open - this.#at) + close.length);
  }

  /** From a backtick, or from the brace that ends an expression, to the next one or the end. */
  #template(): void {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== '`') {
      if (this.#text.startsWith('${', end)) {
        this.#templates.push(0);
        return this.#literal(end + 2);
      }
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#literal(end + 1);
  }

  #regExp(): void {
    let end = this.#at + 1;
    let inClass = false;
    while (end < this.#text.length && (inClass || this.#text[end] !== '/')) {
      if (this.#text[end] === '[') inClass = true;
      if (this.#text[end] === ']') inClass = false;
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#literal(end + 1);
  }

  #isRegExp(): boolean {
    return beforeRegExp.test(this.#code.slice(Math.max(0, this.#at - 40), this.#at).join(''));
  }

  #isDigitSeparator(): boolean {
    return this.#isCpp && /[0-9a-fA-F]/.test(this.#text[this.#at - 1] ?? '');
  }

  #indexOf(wanted: string, after: number): number {
    const found = this.#text.indexOf(wanted, this.#at + after);
    return found < 0 ? this.#text.length : found;
  }

  #comment(end: number): void {
    const until = Math.min(end, this.#text.length);
    for (let at = this.#at; at < until; at += 1) this.#comments[at] = this.#text[at] ?? '';
    this.#at = until;
  }

  /** Keeps the first and last character, the quotes. */
  #literal(end: number): void {
    this.#code[this.#at] = this.#text[this.#at] ?? '';
    const last = Math.min(end, this.#text.length) - 1;
    this.#code[last] = this.#text[last] ?? '';
    this.#at = end;
  }

  #keep(end: number): void {
    for (; this.#at < end; this.#at += 1) this.#code[this.#at] = this.#text[this.#at] ?? '';
  }
}

function blanks(text: string): string[] {
  return Array.from({ length: text.length }, (_, at) => (text[at] === '\n' ? '\n' : ' '));
}

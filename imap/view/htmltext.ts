/** Entities of HTML 4 for the characters from U+00A0 to U+00FF, in order. */
const LATIN1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm ' +
  'raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH ' +
  'Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ' +
  'ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml ' +
  'yacute thorn yuml';

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ...LATIN1.split(' ').map((name, index): [string, string] => [name, String.fromCharCode(0xa0 + index)]),
  ...Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    euro: '€',
    ndash: '–',
    mdash: '—',
    hellip: '…',
    bull: '•',
  }),
  ...Object.entries({ lsquo: '‘', rsquo: '’', sbquo: '‚', ldquo: '“', rdquo: '”', bdquo: '„', trade: '™' }),
  ...Object.entries({ ensp: '\u2002', emsp: '\u2003', thinsp: '\u2009', zwnj: '\u200c', zwj: '\u200d' }),
]);

/**
 * What is no text: comments, scripts, styles, tags, entities. Each may be cut off by the end. A tag ends at the first `>` that is not in quotes, in
 * which a backslash may stand before a quote.
 */
const MARKUP = new RegExp(
  [
    /<!--(?:[^]*?--[ \t\r\n]*(?:>|$)|[^]*$)/,
    /<(?:script|style)[ \t\r\n>][^]*?(?:<\/(?:script|style)>|$)/,
    /<!\[CDATA\[([^]*?)(?:\]\]>|$)/,
    /<(\/?blockquote)?(?:"(?:[^"\\]|\\[^]?)*(?:"|$)|'(?:[^'\\]|\\[^]?)*(?:'|$)|[^"'>])*(?:>|$)/,
    /&([^ \t\r\n;]{1,9});/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
);

/** The text of an HTML document for a preview: no layout, but that quotations are marked with `>` at the beginning of a line. */
export function htmlText(html: string): string {
  let quotes = 0;
  return html.replace(MARKUP, (markup, cdata?: string, quotation?: string, entity?: string) => {
    if (entity !== undefined) return character(entity);
    if (cdata !== undefined) return cdata;
    if (markup.startsWith('<!--')) return '';
    if (quotation === undefined) return quotes > 0 ? '\n> ' : ' ';
    quotes = Math.max(0, quotes + (quotation.startsWith('/') ? -1 : 1));
    return quotes > 0 ? '\n> ' : '\n ';
  });
}

function character(entity: string): string {
  const [, hex, decimal] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(entity) ?? [];
  if (hex === undefined && decimal === undefined) return ENTITIES.get(entity) ?? '';
  const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? '' : String.fromCodePoint(code);
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const HYPHEN = 45;

/**
 * Where the text of the line `start` to `end` ends, without the white space and the line end after it, if the line may be a
 * boundary delimiter line (RFC 2046 §5.1.1); else -1. The line must be in `bytes` as a whole.
 */
export function delimiterTextEnd(bytes: Buffer, start: number, end: number, padding: number): number {
  if (bytes[start] !== HYPHEN || bytes[start + 1] !== HYPHEN) return -1;
  const lineEnd = bytes[end - 1] === LF ? end - 1 : end;
  let textEnd = lineEnd;
  while (isPadding(bytes[textEnd - 1])) textEnd--;
  return lineEnd - textEnd > padding ? -1 : textEnd;
}

/**
 * What the line with the text `start` to `textEnd` is to the multipart with this boundary. It is a delimiter only if it has
 * nothing else: where one boundary begins with another, each line has but one meaning.
 */
export function matchDelimiter(
  bytes: Buffer,
  start: number,
  textEnd: number,
  boundary: Buffer,
): 'part' | 'close' | undefined {
  const boundaryEnd = start + 2 + boundary.length;
  const rest = textEnd - boundaryEnd;
  if (rest !== 0 && rest !== 2) return undefined;
  if (bytes.compare(boundary, 0, boundary.length, start + 2, boundaryEnd) !== 0) return undefined;
  if (rest === 0) return 'part';
  return bytes[boundaryEnd] === HYPHEN && bytes[boundaryEnd + 1] === HYPHEN ? 'close' : undefined;
}

/** The octets of a `boundary` parameter; undefined where there is none to look for. A boundary does not end in white space. */
export function boundaryOctets(parameter = ''): Buffer | undefined {
  let end = parameter.length;
  while (end > 0 && isPadding(parameter.charCodeAt(end - 1))) end--;
  return end === 0 ? undefined : Buffer.from(parameter.slice(0, end), 'latin1');
}

/** CR counts: a line end may have been given one too many. */
function isPadding(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB || octet === CR;
}

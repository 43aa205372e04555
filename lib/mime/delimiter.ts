const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const HYPHEN = 45;

/**
 * The two hyphens and the text after them, without the white space and the line end after it, if the line may be a boundary
 * delimiter line (RFC 2046 §5.1.1); else undefined.
 */
export function trimDelimiter(line: Buffer, padding: number): Buffer | undefined {
  if (line[0] !== HYPHEN || line[1] !== HYPHEN) return undefined;
  let lineEnd = line.length;
  if (line[lineEnd - 1] === LF) lineEnd--;
  let end = lineEnd;
  while (isPadding(line[end - 1])) end--;
  return lineEnd - end > padding ? undefined : line.subarray(0, end);
}

/**
 * What the line, as `trimDelimiter` gives it, is to the multipart with this boundary. It is a delimiter only if it has nothing
 * else: where one boundary begins with another, each line has but one meaning.
 */
export function matchDelimiter(line: Buffer, boundary: Buffer): 'part' | 'close' | undefined {
  const end = 2 + boundary.length;
  const rest = line.length - end;
  if ((rest !== 0 && rest !== 2) || line.compare(boundary, 0, boundary.length, 2, end) !== 0) return undefined;
  if (rest === 0) return 'part';
  return line[end] === HYPHEN && line[end + 1] === HYPHEN ? 'close' : undefined;
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

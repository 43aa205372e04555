/** Whether a line of a command holds what none may hold before its end: CR, LF or NUL (RFC 9051 §9, `CHAR`). */
export function hasStrayOctet(line: Buffer, lineEnd: number): boolean {
  const end = line.length - lineEnd;
  const carriageReturn = line.indexOf(0x0d);
  const nul = line.indexOf(0);
  return (carriageReturn >= 0 && carriageReturn < end) || (nul >= 0 && nul < end);
}

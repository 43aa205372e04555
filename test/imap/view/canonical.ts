/** A value of ENVELOPE or BODYSTRUCTURE with every string quoted, so that what differs in spelling alone is the same. */
export function canonical(octets: Buffer): string {
  let canonical = '';
  const text = octets.toString('latin1');
  const literal = /"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n/gs;
  let at = 0;
  for (let match = literal.exec(text); match !== null; match = literal.exec(text)) {
    canonical += text.slice(at, match.index);
    at = literal.lastIndex;
    if (match[1] === undefined) canonical += match[0];
    else {
      at += Number(match[1]);
      canonical += `"${text.slice(literal.lastIndex, at).replace(/["\\]/g, '\\$&')}"`;
      literal.lastIndex = at;
    }
  }
  return canonical + text.slice(at);
}

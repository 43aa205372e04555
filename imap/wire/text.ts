/** Text for people in a status response (RFC 9051 §9, `resp-text`): printable ASCII, whatever was in it. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

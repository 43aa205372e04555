/** The text that bytes are in a charset; in one that is unknown or not given, one character an octet. */
export function decodeCharset(bytes: Buffer, charset: string | undefined): string {
  const name = charset?.toLowerCase() ?? '';
  if (name === 'utf-8' || name === 'utf8') return bytes.toString('utf8');
  // What Node cannot name is no reason to fail: the parameter is shown as its octets.
  if (name === '' || name === 'us-ascii' || !isKnownCharset(name)) return bytes.toString('latin1');
  return new TextDecoder(name).decode(bytes);
}

function isKnownCharset(name: string): boolean {
  try {
    return new TextDecoder(name).encoding !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

import { isAllowed } from '../capabilities.js';
import type { Handler } from '../pipe/commands.js';
import { commandRow } from './table.js';

/** ENABLE (RFC 9051 §6.3.1): what clients are not told of cannot be enabled either. Such names are left out, as of an unknown extension. */
export const enable: Handler = (line, { tag, name, end }, commands) => {
  const row = commandRow(name);
  const names = line.bytes.toString('latin1', end).trimEnd();
  // Wrong syntax is the provider's to judge: an extension is named by an atom.
  if (line.literal !== undefined || !/^(?: [^\s(){%*"\\]+)+$/.test(names)) {
    return line.literal === undefined
      ? commands.pass(line, { tag, row })
      : commands.refuse(line.literal, tag, 'ENABLE takes names of extensions');
  }
  const allowed = names.trimStart().split(' ').filter(isAllowed);
  if (allowed.length === 0) return commands.answer(tag, row, `${tag} OK Nothing of that can be enabled.\r\n`);
  return commands.passInstead({ tag, row }, `${tag} ENABLE ${allowed.join(' ')}\r\n`);
};

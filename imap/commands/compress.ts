import { deflated } from '#lib/net/deflate';
import type { Handler } from '../pipe/commands.js';
import { commandRow } from './table.js';

/** COMPRESS (RFC 4978): between the client and us. The provider's side is compressed or not by itself. */
export const compress: Handler = (line, { tag, name, end }, commands) => {
  const { context, framer } = commands;
  const row = commandRow(name);
  const [, mechanism] = /^ ([A-Z0-9_-]+)\r?\n$/i.exec(line.bytes.toString('latin1', end)) ?? [];
  if (mechanism === undefined) return commands.refuse(line.literal, tag, 'COMPRESS takes the name of a mechanism');
  if (mechanism.toUpperCase() !== 'DEFLATE') {
    return commands.answer(tag, row, `${tag} NO The only mechanism is DEFLATE.\r\n`);
  }
  if (context.compressed) {
    return commands.answer(tag, row, `${tag} NO [COMPRESSIONACTIVE] DEFLATE is active already.\r\n`);
  }
  return new Promise((resolve) => {
    context.queue.add({
      tag,
      row,
      answer: `${tag} OK DEFLATE active.\r\n`,
      answered: () => {
        context.compressed = true;
        context.client = deflated(context.client, framer.takeRest(), 'the client');
        context.toClient.moveTo(context.client);
        resolve();
      },
      abandoned: resolve,
    });
    context.settle();
  });
};

/** The mail program of the demo: imapflow, which knows nothing of encryption. */
import { ImapFlow, type MessageStructureObject } from 'imapflow';
import { gather } from '#lib/bytes/source';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A message as a mail program sees it. */
export interface Seen {
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly attachment: { readonly name: string; readonly octets: Buffer };
}

/** Logs in, saves a message in the INBOX, and reads it again. */
export async function saveAndRead(login: Login, message: Buffer): Promise<Seen> {
  await withInbox(login, (client) => client.append('INBOX', message));
  // In another session, so that nothing is left from saving.
  return withInbox(login, read);
}

async function read(client: ImapFlow): Promise<Seen> {
  const found = await client.fetchOne('*', { envelope: true, bodyStructure: true });
  if (found === false || found === undefined) throw new Error('The message that was saved is not in the INBOX.');
  const parts = leaves(found.bodyStructure);
  const attached = parts.find(({ disposition }) => disposition === 'attachment');
  const text = parts.find((part) => part !== attached);
  const content = async (part: MessageStructureObject | undefined): Promise<Buffer> => {
    if (part === undefined) throw new Error('The message that was saved has not the parts that it had.');
    return gather((await client.download('*', part.part ?? '1')).content as AsyncIterable<Buffer>);
  };
  return {
    from: found.envelope?.from?.[0]?.name ?? '',
    subject: found.envelope?.subject ?? '',
    text: (await content(text)).toString(),
    attachment: { name: attached?.dispositionParameters?.['filename'] ?? '', octets: await content(attached) },
  };
}

function leaves(structure: MessageStructureObject | undefined): MessageStructureObject[] {
  if (structure === undefined) return [];
  return structure.childNodes === undefined ? [structure] : structure.childNodes.flatMap(leaves);
}

async function withInbox<T>({ host, port, user, password }: Login, work: (client: ImapFlow) => Promise<T>): Promise<T> {
  const auth = { user, pass: password };
  const client = new ImapFlow({ host, port, secure: false, doSTARTTLS: false, auth, logger: false });
  // What goes wrong rejects the command, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const lock = await client.getMailboxLock('INBOX');
    try {
      return await work(client);
    } catch (error) {
      // Its message is that a command failed.
      const { responseText } = error as { responseText?: string };
      throw responseText === undefined
        ? error
        : new Error(`The mail program was told: ${responseText}`, { cause: error });
    } finally {
      lock.release();
    }
  } finally {
    await client.logout();
  }
}

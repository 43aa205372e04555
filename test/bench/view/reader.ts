/** A process that reads the first message of a mailbox: `reader.js ENDPOINT MAILBOX`, the endpoint as JSON. */
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { CountingClient } from '../imap/figures.js';

const [endpoint = '', mailbox = ''] = process.argv.slice(2);
const client = await CountingClient.login(JSON.parse(endpoint) as Endpoint);
await client.run(`EXAMINE ${mailbox}`);
await client.run('FETCH 1 BODY.PEEK[]');
client.close();
